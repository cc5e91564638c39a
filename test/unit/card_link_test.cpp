// An engine's way to a card, where the service is not what it should be: the engine reads by itself, and says why.
#include "engine/card/card_link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>

#include "recognise/step_scores.h"
#include "served_card.h"

namespace pg_ocr {
namespace {

using recognise::LineImage;
using recognise::StepScores;

constexpr size_t shared_bytes = 1u << 20;
const NetworkOnCard network{"eng", 7, 3, 2, 0};

std::vector<LineImage> some_lines(size_t count = 4) {
    return std::vector<LineImage>(count, LineImage{6, 2, std::vector<uint8_t>(12, 200)});
}

UniqueFd memory_of(size_t bytes, int seals) {
    UniqueFd file(::memfd_create("card_link_test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0 || ::fcntl(file.get(), F_ADD_SEALS, seals) != 0)
        throw std::system_error(errno, std::generic_category(), "memfd_create");
    return file;
}
constexpr int of_fixed_size = F_SEAL_SHRINK | F_SEAL_GROW;

/// The service's end, which says what the test wants it to say.
class Says {
  public:
    explicit Says(CardLink& link) {
        auto [ours, theirs] = connected_sockets();
        socket_ = std::move(ours);
        link.connect(std::move(theirs), true);
    }
    void say(CardMessageType type, const std::string& body, const UniqueFd& file = {}) const {
        Channel(socket_.get()).send(static_cast<uint8_t>(type), body, file ? file.get() : -1);
    }
    void welcome(const UniqueFd& file, uint64_t bytes = shared_bytes) const {
        say(CardMessageType::welcome, encode(CardWelcome{"1", bytes}), file);
    }
    /// Two steps for each of so many lines of some_lines() are in the memory, those of one line unclear.
    void welcome_with(size_t lines, size_t unclear = SIZE_MAX) const {
        const UniqueFd file = memory_of(shared_bytes, of_fixed_size);
        for (size_t i = 0; i < 2 * lines; ++i) {
            StepScores step{0.75f, 0.25f, 0.25f, 1, 0};
            if (i / 2 == unclear) step.best_class = step.second_class;
            if (::pwrite(file.get(), &step, sizeof step,
                         static_cast<off_t>(scores_begin(12 * lines) + i * sizeof step)) != sizeof step)
                throw std::system_error(errno, std::generic_category(), "pwrite");
        }
        welcome(file);
    }
    void welcome() const { welcome_with(4); }
    void answer(uint64_t id, CardAnswer answer) const {
        say(CardMessageType::scored, encode(ForwardAnswer{id, answer}));
    }
    void hang_up() { socket_.reset(); }
    ForwardRequest heard() const { return decode_forward(Channel(socket_.get()).receive()->body); }

  private:
    UniqueFd socket_;
};

TEST(CardLink, IsNoneToBeginWith) {
    CardLink link;
    EXPECT_TRUE(link.forward(network, some_lines()).empty());
    EXPECT_EQ(link.take_trouble(), "");
    link.connect({}, false);
    EXPECT_TRUE(link.forward(network, some_lines()).empty());
}

TEST(CardLink, TellsTheServiceWhatItHas) {
    CardLink link;
    Says service(link);
    service.welcome_with(5, 3);
    service.answer(1, CardAnswer::scored);
    const auto scores = link.forward(network, some_lines(5));
    ASSERT_EQ(scores.size(), 5u) << link.take_trouble();
    EXPECT_FALSE(scores[3]) << "of which a search may need more";
    ASSERT_TRUE(scores[4]);
    EXPECT_EQ(scores[4]->steps, 2u);
    EXPECT_EQ(scores[4]->values, (std::vector<float>{0.25f, 0.75f, 0.25f, 0.75f}));
    const ForwardRequest request = service.heard();
    EXPECT_TRUE(request.is_interactive);
    EXPECT_EQ(request.model, "eng");
    EXPECT_EQ(request.fingerprint, 7u);
    EXPECT_EQ(request.widths, std::vector<uint32_t>(5, 6));
    EXPECT_EQ(link.take_lines(), 4u);
    EXPECT_EQ(link.take_lines(), 0u);
}

TEST(CardLink, ReadsAFewLinesByItself) {
    CardLink link;
    const Says service(link);
    EXPECT_TRUE(link.forward(network, some_lines(3)).empty()) << "without waiting for anything";
    EXPECT_EQ(link.take_trouble(), "");
}

TEST(CardLink, GoesOnWhereTheServiceCannotReadSomething) {
    CardLink link;
    const Says service(link);
    service.welcome();
    service.answer(1, CardAnswer::busy);
    EXPECT_TRUE(link.forward(network, some_lines()).empty());
    service.answer(2, CardAnswer::too_large);
    EXPECT_TRUE(link.forward(network, some_lines()).empty());
    service.answer(3, CardAnswer::unknown_model);
    EXPECT_TRUE(link.forward(network, some_lines()).empty());
    EXPECT_TRUE(link.forward(network, some_lines()).empty()) << "it is not asked again for that model";
    NetworkOnCard other = network;
    other.model = "deu";
    service.answer(4, CardAnswer::scored);
    EXPECT_FALSE(link.forward(other, some_lines()).empty());
    EXPECT_EQ(link.take_trouble(), "");
}

TEST(CardLink, LeavesAServiceThatDoesNotAnswerWithinASecond) {
    CardLink link;
    const Says service(link);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(link.forward(network, some_lines()).empty());
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
    EXPECT_EQ(link.take_trouble(), "the card's service: it has not answered within a second");
    EXPECT_TRUE(link.forward(network, some_lines()).empty()) << "at once";
    EXPECT_EQ(link.take_trouble(), "");
}

TEST(CardLink, LeavesAServiceThatIsNotWhatItShouldBe) {
    struct Case {
        const char* what;
        std::function<void(Says&)> says;
        const char* trouble;
    };
    const std::vector<Case> cases = {
        {"has gone", [](Says& service) { service.hang_up(); }, "it has gone"},
        {"goes after its welcome",
         [](Says& service) {
             service.welcome();
             service.hang_up();
         },
         "it has gone"},
        {"shares no memory", [](Says& service) { service.welcome({}); }, "its memory is not as it should be"},
        {"shares memory that can be cut off",
         [](Says& service) { service.welcome(memory_of(shared_bytes, F_SEAL_GROW)); },
         "its memory is not as it should be"},
        {"shares less than it says", [](Says& service) { service.welcome(memory_of(4096, of_fixed_size)); },
         "its memory is not as it should be"},
        {"shares nothing", [](Says& service) { service.welcome(memory_of(0, of_fixed_size), 0); },
         "its memory is not as it should be"},
        {"shares too much",
         [](Says& service) { service.welcome(memory_of(size_t{2} << 30, of_fixed_size), uint64_t{2} << 30); },
         "its memory is not as it should be"},
        {"answers before it is asked", [](Says& service) { service.answer(1, CardAnswer::scored); },
         "it said something out of turn"},
        {"answers something else",
         [](Says& service) {
             service.welcome();
             service.answer(2, CardAnswer::scored);
         },
         "it answered something that was not asked"},
        {"has lost its card",
         [](Says& service) {
             service.welcome();
             service.answer(1, CardAnswer::lost);
         },
         "it has lost its card"},
        {"sends what cannot be understood",
         [](Says& service) {
             service.welcome();
             service.say(CardMessageType::scored, "?");
         },
         "a frame that ends too early"},
    };
    for (const Case& each : cases) {
        CardLink link;
        Says service(link);
        each.says(service);
        EXPECT_TRUE(link.forward(network, some_lines()).empty()) << each.what;
        EXPECT_EQ(link.take_trouble(), std::string("the card's service: ") + each.trouble) << each.what;
    }
}

TEST(CardLink, TakesAnotherServiceInThePlaceOfOne) {
    CardLink link;
    {
        const Says gone(link);
        gone.welcome();
        gone.answer(1, CardAnswer::unknown_model);
        EXPECT_TRUE(link.forward(network, some_lines()).empty());
    }
    const Says service(link);
    service.welcome();
    service.answer(2, CardAnswer::scored);
    EXPECT_FALSE(link.forward(network, some_lines()).empty()) << "also for a model that the other did not know";
    EXPECT_EQ(link.take_trouble(), "");
}

}  // namespace
}  // namespace pg_ocr
