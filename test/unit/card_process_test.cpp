#include "worker/card_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "worker/card_access.h"
#include "worker/card_socket.h"
#include "worker/engine_process.h"

namespace pg_ocr {
namespace {

constexpr int patience_ms = 60000;  // for what never comes; nothing waits that long when all is well

/// A directory of its own, where services and their sockets are.
class CardTest : public testing::Test {
  protected:
    CardTest() {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    ~CardTest() override { std::filesystem::remove_all(folder_); }

    CardSettings rogue(const std::string& script) const {
        CardSettings settings;
        settings.program = ROGUE_CARD;
        settings.tessdata = script;
        settings.library = "stand-in";
        settings.path = path_;
        return settings;
    }

    const std::string folder_ = testing::TempDir() + "cards" + std::to_string(::getpid());
    const std::string path_ = folder_ + "/card.0";
};

bool is_readable(int fd, int timeout_ms) {
    pollfd waited{fd, POLLIN, 0};
    return ::poll(&waited, 1, timeout_ms) == 1;
}

template <typename Condition>
void listen_until(CardProcess& card, Condition&& condition) {
    while (!condition()) {
        if (!is_readable(card.socket(), patience_ms)) throw std::runtime_error("the service says nothing");
        card.receive();
    }
}

void listen_to_the_end(CardProcess& card) {
    listen_until(card, [&] { return card.closed(); });
}

TEST_F(CardTest, IsReadyAndReports) {
    CardProcess card(rogue("listen ready report:2:30 report:1:31 wait"));
    EXPECT_FALSE(card.ready());
    listen_until(card, [&] { return card.report().lines == 31; });
    ASSERT_TRUE(card.ready());
    EXPECT_EQ(card.ready()->card, "rogue");
    EXPECT_EQ(card.ready()->memory, 1u << 20);
    EXPECT_EQ(card.report().engines, 1u);
    EXPECT_FALSE(card.closed());
}

TEST_F(CardTest, IsFoundAtItsPathAsLongAsItLives) {
    {
        CardProcess card(rogue("listen ready accept accept"));
        struct stat status {};
        ASSERT_EQ(::stat(path_.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600u) << "by nobody else";
        const UniqueFd engine = connect_to(path_);
        ASSERT_TRUE(engine);
        EXPECT_TRUE(is_readable(engine.get(), patience_ms)) << "and it is the service that answers";
        const UniqueFd another = connect_to(path_);
        ASSERT_TRUE(another);
        listen_to_the_end(card);
        EXPECT_EQ(card.obituary(), "exited with code 3");
        EXPECT_FALSE(connect_to(path_)) << "nobody holds its socket any more";
        EXPECT_TRUE(std::filesystem::exists(path_));
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_FALSE(connect_to(path_));
}

TEST_F(CardTest, TakesThePlaceOfOneThatWasNotCleanedUp) {
    std::ofstream(path_) << "what is left of it";
    CardProcess card(rogue("listen ready wait"));
    EXPECT_TRUE(connect_to(path_));
}

TEST_F(CardTest, LeavesNoSocketWhereItCannotBeStarted) {
    CardSettings settings = rogue("");
    settings.program = "/nowhere/pg_ocr_gpu";
    EXPECT_THROW(CardProcess{settings}, std::system_error);
    EXPECT_FALSE(std::filesystem::exists(path_));
    std::filesystem::create_directories(path_);
    EXPECT_THROW(CardProcess{rogue("")}, std::system_error) << "a directory is in the way";
    settings.path = std::string(200, 'x');
    EXPECT_THROW(CardProcess{settings}, std::system_error);
}

TEST_F(CardTest, ConnectingNeverWaits) {
    CardProcess card(rogue("listen ready wait"));
    ::kill(card.pid(), SIGSTOP);
    std::vector<UniqueFd> engines;
    while (engines.size() < 10000) {
        UniqueFd engine = connect_to(path_);
        if (!engine) break;
        engines.push_back(std::move(engine));
    }
    EXPECT_LT(engines.size(), 10000u) << "those that wait are bounded";
}

TEST_F(CardTest, LastWordsSayWhyItCannotWork) {
    CardProcess card(rogue("say:no+driver"));
    listen_to_the_end(card);
    EXPECT_EQ(card.obituary(), "exited with code 3: no driver");
}

TEST_F(CardTest, KilledItIsGone) {
    CardProcess card(rogue("listen ready wait"));
    const pid_t pid = card.pid();
    card.kill_now();
    EXPECT_EQ(::kill(pid, 0), -1);
    EXPECT_FALSE(std::filesystem::exists(path_));
}

/// What a service that says this is refused for.
std::string complaint_of(const CardSettings& settings) {
    CardProcess card(settings);
    try {
        listen_to_the_end(card);
    } catch (const ProtocolError& error) {
        return error.what();
    }
    return "";
}

TEST_F(CardTest, WhatItMustNotSayIsRefused) {
    const auto complaint = [&](const std::string& script) { return complaint_of(rogue(script)); };
    EXPECT_EQ(complaint("report:1:1"), "did not say first that it is ready");
    EXPECT_EQ(complaint("ready:0.0.1").find("is of version 0.0.1, this library of " PG_OCR_VERSION), 0u);
    EXPECT_EQ(complaint("ready:0.0.1:gr\xc3\xbc\xc3\x9f"), "sent a name that cannot be printed");
    EXPECT_EQ(complaint("ready ready"), "sent a message of type 2");
    EXPECT_EQ(complaint("ready welcome"), "sent a message of type 4");
    EXPECT_EQ(complaint("ready fd"), "sent a descriptor");
    EXPECT_EQ(complaint("ready report:1:2 report:1:1"), "counts backwards");
    EXPECT_NE(complaint("garbage"), "");
    EXPECT_EQ(complaint("ready report:1:2 report:0:2"), "") << "engines may go";
}

TEST_F(CardTest, CardsAreCountedByTheirDevices) {
    EXPECT_EQ(count_cards(folder_), 0u);
    for (const char* name : {"nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm"})
        std::filesystem::create_symlink("/dev/null", folder_ + "/" + name);
    std::ofstream(folder_ + "/nvidia1") << "no device";
    EXPECT_EQ(count_cards(folder_), 2u);
}

TEST(CardFor, WorkersAreSpreadOverTheCards) {
    const auto chosen = [](const std::vector<bool>& ready) {
        std::vector<int> cards;
        for (uint32_t place = 0; place < 6; ++place) {
            const std::optional<uint32_t> card = card_for(place, ready);
            cards.push_back(card ? static_cast<int>(*card) : -1);
        }
        return cards;
    };
    using Cards = std::vector<int>;
    EXPECT_EQ(chosen({}), Cards(6, -1));
    EXPECT_EQ(chosen({false}), Cards(6, -1));
    EXPECT_EQ(chosen({true}), Cards(6, 0));
    EXPECT_EQ(chosen({true, true, true}), (Cards{0, 1, 2, 0, 1, 2}));
    EXPECT_EQ(chosen({true, false, true}), (Cards{0, 2, 2, 0, 2, 2})) << "only those of the one that is down move";
    EXPECT_EQ(chosen({true, true, false}), (Cards{0, 1, 0, 0, 1, 0}));
}

/// An engine that is idle, and reads nothing of what it is given.
EngineProcess& say_hello(EngineProcess& engine) {
    while (!engine.receive())
        if (!is_readable(engine.socket(), patience_ms)) throw std::runtime_error("the engine says nothing");
    return engine;
}

Finished trouble() { return {1, false, 0, "the card said nothing for a second"}; }

class CardAccessTest : public CardTest {
  protected:
    bool offer(uint64_t generation, int64_t now_ms) {
        return access_.offer(engine_, ReadyCard{generation, path_}, {}, now_ms);
    }
    bool somebody_connected() { return UniqueFd(::accept(listening_.get(), nullptr, nullptr)).get() >= 0; }

    EngineProcess process_{{ROGUE_ENGINE, "hello wait", uint64_t{1} << 30}};
    EngineProcess& engine_ = say_hello(process_);
    CardSocket listening_{path_};
    CardAccess access_;
};

TEST_F(CardAccessTest, AnEngineIsGivenEachServiceOnce) {
    EXPECT_FALSE(access_.offer(engine_, std::nullopt, {}, 0)) << "there is none";
    EXPECT_TRUE(offer(1, 0));
    EXPECT_TRUE(somebody_connected());
    EXPECT_EQ(access_.generation(), 1u);
    access_.note({1, false, 10, ""}, 0);
    EXPECT_FALSE(offer(1, 0)) << "it has it";
    EXPECT_FALSE(access_.offer(engine_, std::nullopt, {}, 0));
    EXPECT_EQ(access_.generation(), 1u) << "it is the engine that finds out that a service has gone";
    EXPECT_TRUE(offer(2, 0)) << "another";
    access_.forget_engine();
    EXPECT_EQ(access_.generation(), 0u);
    EXPECT_TRUE(offer(2, 0)) << "another engine";
}

TEST_F(CardAccessTest, OneThatWasLeftIsOfferedAgainAfterAWhile) {
    int64_t now = 0;
    for (const int64_t pause : {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000}) {
        EXPECT_TRUE(offer(1, now));
        access_.note(trouble(), now);
        EXPECT_EQ(access_.generation(), 0u);
        EXPECT_FALSE(offer(1, now + pause - 1));
        now += pause;
    }
    EXPECT_TRUE(offer(1, now));
    access_.note({1, false, 0, ""}, now);
    access_.note(trouble(), now);
    EXPECT_FALSE(offer(1, now + 59999)) << "a document that it read nothing of says nothing of it";
    EXPECT_TRUE(offer(1, now + 60000));
    access_.note({1, false, 1, ""}, now);
    access_.note(trouble(), now);
    EXPECT_TRUE(offer(1, now + 1000)) << "all was well";
}

TEST_F(CardAccessTest, AnotherServiceIsOfferedAtOnce) {
    EXPECT_TRUE(offer(1, 0));
    access_.note(trouble(), 0);
    EXPECT_FALSE(offer(1, 1));
    EXPECT_TRUE(offer(2, 1));
}

TEST_F(CardAccessTest, WhereNobodyListensTheEngineGoesWithout) {
    listening_.close();
    EXPECT_FALSE(offer(1, 0));
    EXPECT_EQ(access_.generation(), 0u);
    listening_.remove();
    EXPECT_FALSE(offer(1, 0));
}

}  // namespace
}  // namespace pg_ocr
