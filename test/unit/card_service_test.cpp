// The service of a card, spoken to as an engine that plays by the rules, and as one that does not.
#include "gpu/card_service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>

#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <random>

#include "engine/card/card_link.h"
#include "engine/layout/models.h"
#include "recognise/model_file.h"
#include "recognise/step_scores.h"
#include "served_card.h"

namespace pg_ocr {
namespace {

using recognise::CompiledNetwork;
using recognise::LineImage;
using recognise::LinePixels;
using recognise::Network;
using recognise::Scores;
using recognise::scores_of;
using recognise::step_scores_of;
using recognise::StepScores;

const Network& english() {
    static const Network network = recognise::parse_network(recognise::ModelFile::read(TESSDATA "/eng.traineddata"));
    return network;
}

NetworkOnCard english_on_card() {
    return {"eng", english().fingerprint, english().x_scale, english().classes, english().null_code};
}

std::vector<LineImage> noisy_lines(const std::vector<uint32_t>& widths, uint32_t seed = 1) {
    std::mt19937 random(seed);
    std::vector<LineImage> lines;
    for (const uint32_t width : widths) {
        LineImage& line = lines.emplace_back(
            LineImage{width, english().height, std::vector<uint8_t>(size_t{width} * english().height)});
        for (size_t i = 0; i < line.pixels.size(); ++i)
            line.pixels[i] = static_cast<uint8_t>(random() % 3 == 0 ? random() % 256 : i / 5 % 2 == 0 ? 20 : 230);
    }
    return lines;
}

/// Whether a card gave what a search needs of the scores of the CPU.
bool same(const std::vector<std::optional<Scores>>& by_card, const std::vector<LineImage>& lines) {
    return std::ranges::equal(by_card, CompiledNetwork(english()).forward(lines), [](const auto& a, const Scores& all) {
        const std::optional<Scores> b =
            scores_of(step_scores_of(all, english().null_code), all.classes, english().null_code);
        return a && b && a->steps == b->steps && a->values.size() == b->values.size() &&
               std::memcmp(a->values.data(), b->values.data(), a->values.size() * sizeof(float)) == 0;
    });
}

void expect_read(ServedCard& card, const std::vector<LineImage>& lines) {
    CardLink link;
    link.connect(card.connect(), false);
    const auto scores = link.forward(english_on_card(), lines);
    ASSERT_FALSE(scores.empty()) << link.take_trouble();
    EXPECT_TRUE(same(scores, lines));
    EXPECT_EQ(link.take_lines(), lines.size());
}

const std::vector<uint32_t> some_widths = {70, 3, 41, 2, 0, 153, 99};

TEST(CardService, ReadsWhatTheCpuReads) {
    ServedCard card(stand_in_card);
    const CardReady ready = decode_card_ready(card.heard().body);
    EXPECT_EQ(ready.version, PG_OCR_VERSION);
    EXPECT_EQ(ready.card.rfind("CPU, ", 0), 0u) << ready.card;
    EXPECT_EQ(ready.memory, 64u << 20);
    expect_read(card, noisy_lines(some_widths));
    card.hang_up();
    EXPECT_EQ(card.error(), "");
}

TEST(CardService, ReadsForManyEnginesAtOnce) {
    ServedCard card(stand_in_card);
    std::vector<std::future<void>> engines;
    for (uint32_t engine = 1; engine <= 12; ++engine)
        engines.push_back(std::async(std::launch::async, [&card, engine] {
            CardLink link;
            link.connect(card.connect(), engine % 2 == 0);
            for (uint32_t i = 0; i < 5; ++i) {
                const auto lines = noisy_lines({9 * engine, 7, 12 + i, 33}, engine);
                const auto scores = link.forward(english_on_card(), lines);
                // On a busy machine, some may be left to the CPU; none may be wrong.
                EXPECT_TRUE(scores.empty() || same(scores, lines));
            }
            EXPECT_GT(link.take_lines(), 0u) << link.take_trouble();
        }));
    for (std::future<void>& engine : engines) engine.get();
}

TEST(CardService, ReadsInPartsWhatDoesNotFitIntoItsMemory) {
    CardServiceSettings settings;
    settings.shared_bytes = 64u << 10;
    ServedCard card(stand_in_card, settings);
    std::vector<uint32_t> widths(40, 90);
    expect_read(card, noisy_lines(widths));
    CardLink link;
    link.connect(card.connect(), false);
    EXPECT_TRUE(link.forward(english_on_card(), noisy_lines({9, 9, 9, 2000})).empty())
        << "a line that is too long by itself";
    EXPECT_EQ(link.take_trouble(), "");
    EXPECT_FALSE(link.forward(english_on_card(), noisy_lines({9, 9, 9, 9})).empty());
}

/// A card whose batches wait until they are let go, and of which is known what they were.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = true;
    CardOutcome outcome = CardOutcome::done;
    std::vector<std::vector<uint32_t>> batches;
    std::chrono::milliseconds slowness{0};  ///< of each batch

    void set(bool now_open, CardOutcome now = CardOutcome::done) {
        const std::lock_guard lock(mutex);
        open = now_open;
        outcome = now;
        batches.clear();
        changed.notify_all();
    }
    void wait_for_batches(size_t count) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return batches.size() >= count; });
    }
};
Gate gate;

CardTable gated_table() {
    CardTable table = stand_in_card;
    table.open = [](uint32_t number, uint64_t memory, CardInfo* info) {
        Card* card = stand_in_card.open(number, memory, info);
        info->at_once = 1;
        info->most_lines = 8;
        return card;
    };
    table.forward = [](const CardNetwork* network, const LinePixels* lines, size_t count, StepScores* const* steps) {
        std::vector<uint32_t> widths;
        for (size_t i = 0; i < count; ++i) widths.push_back(lines[i].width);
        CardOutcome outcome{};
        {
            std::unique_lock lock(gate.mutex);
            gate.batches.push_back(widths);
            gate.changed.notify_all();
            gate.changed.wait(lock, [] { return gate.open; });
            outcome = gate.outcome;
        }
        std::this_thread::sleep_for(gate.slowness);
        return outcome == CardOutcome::done ? stand_in_card.forward(network, lines, count, steps) : outcome;
    };
    table.trouble = [](const Card*) { return "the test took it away"; };
    return table;
}
const CardTable gated_card = gated_table();

/// A card that finds no best two in the first step of each second line.
CardTable vague_table() {
    CardTable table = stand_in_card;
    table.forward = [](const CardNetwork* network, const LinePixels* lines, size_t count, StepScores* const* steps) {
        const CardOutcome outcome = stand_in_card.forward(network, lines, count, steps);
        for (size_t i = 1; i < count; i += 2) steps[i][0] = {};
        return outcome;
    };
    return table;
}
const CardTable vague_card = vague_table();

TEST(CardService, LeavesToTheCpuLinesOfWhichItTakesMoreToTell) {
    ServedCard card(vague_card);
    CardLink link;
    link.connect(card.connect(), false);
    Models models(TESSDATA, &link);
    const Model& model = *models.for_languages("eng").front();
    const auto lines = noisy_lines({30, 31, 32, 33, 34});
    const std::vector<Scores> scores = forward(model, lines), by_cpu = model.network.forward(lines);
    ASSERT_EQ(scores.size(), lines.size());
    EXPECT_EQ(link.take_lines(), 3u) << link.take_trouble();
    const int32_t null_code = english().null_code;
    for (size_t i = 0; i < lines.size(); ++i) {
        const Scores expected =
            i % 2 == 1 ? by_cpu[i] : *scores_of(step_scores_of(by_cpu[i], null_code), by_cpu[i].classes, null_code);
        EXPECT_EQ(scores[i].values, expected.values) << i;
    }
}

/// Speaks frames by hand.
class ByHand {
  public:
    explicit ByHand(UniqueFd socket) : socket_(std::move(socket)), channel_(socket_.get()) {
        frame_ = next();
        welcome_ = decode_card_welcome(frame_.body);
    }
    void ask(const ForwardRequest& request) { say(CardMessageType::forward, encode(request)); }
    void ask(uint64_t id, const std::vector<uint32_t>& widths, bool is_interactive = false) {
        ask({id, is_interactive, "eng", english().fingerprint, widths});
    }
    void say(CardMessageType type, const std::string& body, int fd = -1) {
        channel_.send(static_cast<uint8_t>(type), body, fd);
    }
    void raw(const std::string& bytes) {
        ASSERT_GT(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    }
    CardAnswer answer() { return decode_scored(next().body).answer; }
    /// Whether the service hangs up, and says nothing before.
    bool is_left() {
        try {
            return !channel_.receive() && channel_.closed();
        } catch (const std::system_error&) {
            return true;
        }
    }
    const CardWelcome& welcome() const { return welcome_; }
    int memory() const { return frame_.fd.get(); }

  private:
    Frame next() {
        std::optional<Frame> frame = channel_.receive();
        if (!frame) throw std::runtime_error("the service has hung up");
        return std::move(*frame);
    }
    UniqueFd socket_;
    Channel channel_;
    Frame frame_;
    CardWelcome welcome_;
};

TEST(CardService, PutsLinesOfSeveralEnginesIntoABatch) {
    gate.set(false);
    ServedCard card(gated_card);
    ByHand one(card.connect()), two(card.connect()), three(card.connect());
    one.ask(1, {50});
    gate.wait_for_batches(1);
    two.ask(1, {60, 61});
    three.ask(1, {62});
    // Both are in the queue once the service has taken them, which it does before it hears the fourth.
    ByHand four(card.connect());
    four.ask({1, false, "none", 0, {1}});
    EXPECT_EQ(four.answer(), CardAnswer::unknown_model);
    gate.set(true);
    EXPECT_EQ(one.answer(), CardAnswer::scored);
    EXPECT_EQ(two.answer(), CardAnswer::scored);
    EXPECT_EQ(three.answer(), CardAnswer::scored);
    EXPECT_EQ(gate.batches, (std::vector<std::vector<uint32_t>>{{60, 61, 62}}));
}

TEST(CardService, ReadsFirstWhatSomebodyWaitsFor) {
    gate.set(false);
    ServedCard card(gated_card);
    ByHand one(card.connect()), two(card.connect()), three(card.connect());
    one.ask(1, {50});
    gate.wait_for_batches(1);
    two.ask(1, {60, 60, 60, 60, 60, 60, 60, 60});
    three.ask(1, {62}, true);
    ByHand four(card.connect());
    four.ask({1, false, "none", 0, {1}});
    EXPECT_EQ(four.answer(), CardAnswer::unknown_model);
    gate.set(true);
    EXPECT_EQ(three.answer(), CardAnswer::scored);
    EXPECT_EQ(two.answer(), CardAnswer::scored);
    EXPECT_EQ(gate.batches.at(0).at(0), 62u);
}

TEST(CardService, EndsWhereTheCardIsLost) {
    gate.set(true, CardOutcome::lost);
    ServedCard card(gated_card);
    CardLink link;
    link.connect(card.connect(), false);
    EXPECT_TRUE(link.forward(english_on_card(), noisy_lines(some_widths)).empty());
    EXPECT_NE(link.take_trouble(), "");
    EXPECT_EQ(card.error(), "the card was lost: the test took it away");
}

TEST(CardService, EndsWhereTheCardHangs) {
    gate.set(false);
    CardServiceSettings settings;
    settings.hung = std::chrono::milliseconds(300);
    ServedCard card(gated_card, settings);
    ByHand engine(card.connect());
    engine.ask(1, {50});
    EXPECT_EQ(card.error().rfind("the card has not ended a batch for ", 0), 0u);
    gate.set(true);  // else its thread would never end
}

TEST(CardService, LeavesToTheCpuWhatWouldTakeTooLong) {
    gate.set(true);
    ServedCard card(gated_card);
    ByHand one(card.connect()), two(card.connect());
    gate.slowness = std::chrono::milliseconds(50);
    one.ask(1, {50});
    EXPECT_EQ(one.answer(), CardAnswer::scored) << "so it reads at most a thousand columns in a second";
    gate.set(false);
    one.ask(2, {2000});
    gate.wait_for_batches(1);
    two.ask(1, {9});
    EXPECT_EQ(two.answer(), CardAnswer::busy);
    gate.slowness = {};
    gate.set(true);
    EXPECT_EQ(one.answer(), CardAnswer::scored);
    two.ask(2, {9});
    EXPECT_EQ(two.answer(), CardAnswer::scored);
}

TEST(CardService, SharesMemoryThatNobodyCanCutOff) {
    CardServiceSettings settings;
    settings.shared_bytes = 1u << 20;
    ServedCard card(stand_in_card, settings);
    ByHand engine(card.connect());
    EXPECT_EQ(engine.welcome().version, PG_OCR_VERSION);
    EXPECT_EQ(engine.welcome().memory, 1u << 20);
    EXPECT_NE(::ftruncate(engine.memory(), 0), 0);
    EXPECT_NE(::ftruncate(engine.memory(), 2u << 20), 0);
    EXPECT_NE(::fcntl(engine.memory(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(CardService, RefusesWhatItCannotRead) {
    CardServiceSettings settings;
    settings.shared_bytes = 1u << 20;
    ServedCard card(stand_in_card, settings);
    ByHand engine(card.connect());
    const uint64_t fingerprint = english().fingerprint;
    const auto answer_to = [&](const ForwardRequest& request) {
        engine.ask(request);
        return engine.answer();
    };
    for (const char* name : {"", "none", "../eng", "best/eng", "eng.traineddata", "/etc/passwd", ".", "eng\n"})
        EXPECT_EQ(answer_to({1, false, name, fingerprint, {9}}), CardAnswer::unknown_model) << name;
    EXPECT_EQ(answer_to({1, false, std::string(60000, 'e'), fingerprint, {9}}), CardAnswer::unknown_model);
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint + 1, {9}}), CardAnswer::unknown_model);
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, {9}}), CardAnswer::scored) << "the other one was not there";
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, {UINT32_MAX}}), CardAnswer::too_large);
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, std::vector<uint32_t>(10000, 16000)}), CardAnswer::too_large);
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, {16000}}), CardAnswer::scored) << "they fit just";
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, {29000}}), CardAnswer::too_large) << "its scores do not fit";
    // Lines of no width are many.
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, std::vector<uint32_t>(16000, 0)}), CardAnswer::scored);
    EXPECT_EQ(answer_to({1, false, "eng", fingerprint, {9}}), CardAnswer::scored);
}

TEST(CardService, LeavesWhoBreaksTheRulesAndNobodyElse) {
    gate.set(true);
    ServedCard card(gated_card);
    ByHand bystander(card.connect());
    const std::vector<std::pair<const char*, std::function<void(ByHand&)>>> offences = {
        {"garbage", [](ByHand& engine) { engine.raw("this is no frame at all"); }},
        {"a frame that is too long",
         [](ByHand& engine) {
             engine.raw(std::string{static_cast<char>(protocol_version), 5, 0, 0, 0, 0, 2, 0});
         }},
        {"an answer", [](ByHand& engine) { engine.say(CardMessageType::scored, encode(ForwardAnswer{})); }},
        {"a socket", [](ByHand& engine) { engine.say(CardMessageType::listen, "", STDIN_FILENO); }},
        {"a descriptor",
         [](ByHand& engine) {
             engine.say(CardMessageType::forward, encode(ForwardRequest{1, false, "eng", english().fingerprint, {9}}),
                        STDIN_FILENO);
         }},
        {"no lines", [](ByHand& engine) { engine.ask(1, {}); }},
        {"less lines than it says",
         [](ByHand& engine) {
             std::string body = encode(ForwardRequest{1, false, "eng", english().fingerprint, {9, 9}});
             body.pop_back();
             engine.say(CardMessageType::forward, body);
         }},
        {"two requests at once",
         [](ByHand& engine) {
             gate.set(false);
             engine.ask(1, {9});
             gate.wait_for_batches(1);
             engine.ask(2, {9});
         }},
    };
    for (const auto& [what, commit] : offences) {
        ByHand offender(card.connect());
        commit(offender);
        EXPECT_TRUE(offender.is_left()) << what;
        gate.set(true);
        bystander.ask(1, {30, 31});
        EXPECT_EQ(bystander.answer(), CardAnswer::scored) << what;
    }
}

TEST(CardService, OutlivesEnginesThatGoWhileTheirLinesAreOnTheCard) {
    gate.set(false);
    ServedCard card(gated_card);
    {
        ByHand gone(card.connect());
        gone.ask(1, {50, 51});
        gate.wait_for_batches(1);
    }
    ByHand other(card.connect());
    gate.set(true);
    other.ask(1, {9});
    EXPECT_EQ(other.answer(), CardAnswer::scored);
}

TEST(CardService, TakesNoMoreEnginesThanItMay) {
    CardServiceSettings settings;
    settings.most_engines = 2;
    ServedCard card(stand_in_card, settings);
    ByHand one(card.connect());
    {
        ByHand two(card.connect());
        EXPECT_THROW(ByHand three(card.connect()), std::runtime_error);
        two.ask(1, {9});
        EXPECT_EQ(two.answer(), CardAnswer::scored);
    }
    // There is room again as soon as the service has seen that one is gone.
    for (bool welcomed = false; !welcomed;) try {
            ByHand three(card.connect());
            welcomed = true;
        } catch (const std::runtime_error&) {
        }
    one.ask(1, {9});
    EXPECT_EQ(one.answer(), CardAnswer::scored);
}

TEST(CardService, ReportsWhatItDid) {
    ServedCard card(stand_in_card);
    EXPECT_EQ(static_cast<CardMessageType>(card.heard().type), CardMessageType::ready);
    ByHand engine(card.connect());
    engine.ask(1, {9, 9, 9});
    EXPECT_EQ(engine.answer(), CardAnswer::scored);
    engine.ask({2, false, "none", 0, {9, 9}});
    EXPECT_EQ(engine.answer(), CardAnswer::unknown_model);
    CardReport report;
    std::string complaint;
    while (report.lines < 3 || report.refused < 2) {
        const Frame frame = card.heard();
        if (static_cast<CardMessageType>(frame.type) == CardMessageType::complaint)
            complaint = decode_complaint(frame.body);
        else
            report = decode_card_report(frame.body);
    }
    EXPECT_NE(complaint.find("none.traineddata cannot be opened"), std::string::npos) << complaint;
    EXPECT_EQ(report.engines, 1u);
    EXPECT_EQ(report.lines, 3u);
    EXPECT_EQ(report.batches, 1u);
    EXPECT_EQ(report.refused, 2u);
    EXPECT_GT(report.busy_us, 0u);
}

}  // namespace
}  // namespace pg_ocr
