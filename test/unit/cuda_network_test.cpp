// Networks on a card against the reference: of integers bit by bit, of floats closely. The CPU is the card: on one of
// CUDA's test/gpu runs the like.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

#include "emulated_card.h"
#include "model_bytes.h"
#include "network_lines.h"
#include "recognise/nonlinear.h"
#include "recognise/reference.h"
#include "recognise/step_scores.h"
#include "same_steps.h"

namespace pg_ocr {
namespace {

using recognise::LineImage;
using recognise::LinePixels;
using recognise::made_network;
using recognise::Network;
using recognise::noisy_line;
using recognise::step_scores_of;
using recognise::StepScores;
using Steps = std::vector<StepScores>;

/// Of floats whose exponentials are looked at: 1 looks at all, and takes a minute.
#ifndef EXPONENTIAL_STEP
#define EXPONENTIAL_STEP 997
#endif

constexpr uint64_t mebibyte = uint64_t{1} << 20;

/// An open card, as long as it stands.
class OpenCard {
  public:
    explicit OpenCard(uint64_t memory = 16 * mebibyte) : card_(emulated_card.open(0, memory, &info)) {
        EXPECT_NE(card_, nullptr) << info.error;
    }
    OpenCard(const OpenCard&) = delete;
    OpenCard& operator=(const OpenCard&) = delete;
    ~OpenCard() { emulated_card.close(card_); }
    operator Card*() const { return card_; }

    CardInfo info;

  private:
    Card* card_;
};

/// A network, compiled for a card.
class OnCard {
  public:
    OnCard(const OpenCard& card, const Network& network) : compiled_(emulated_card.compile(card, &network)) {}
    OnCard(const OnCard&) = delete;
    OnCard& operator=(const OnCard&) = delete;
    ~OnCard() {
        if (compiled_ != nullptr) emulated_card.release(compiled_);
    }
    bool is_there() const { return compiled_ != nullptr; }
    uint32_t most_columns() const { return emulated_card.most_columns(compiled_); }
    CardOutcome forward(const std::vector<LineImage>& lines, std::vector<Steps>& steps) const {
        std::vector<LinePixels> pixels;
        std::vector<StepScores*> to;
        steps.assign(lines.size(), {});
        for (size_t i = 0; i < lines.size(); ++i) {
            pixels.push_back({lines[i].pixels.data(), lines[i].width});
            steps[i].resize(lines[i].width / 3);
            to.push_back(steps[i].data());
        }
        return emulated_card.forward(compiled_, pixels.data(), pixels.size(), to.data());
    }

  private:
    CardNetwork* compiled_;
};

std::vector<Steps> expected_of(const Network& network, const std::vector<LineImage>& lines) {
    std::vector<Steps> expected;
    for (const LineImage& line : lines) {
        expected.emplace_back();
        if (line.width >= 3)
            expected.back() = step_scores_of(recognise::forward_reference(network, line), network.null_code);
    }
    return expected;
}

void expect_these(const OnCard& on_card, const std::vector<LineImage>& lines, const std::vector<Steps>& expected,
                  bool bit_by_bit) {
    ASSERT_TRUE(on_card.is_there());
    std::vector<Steps> steps;
    ASSERT_EQ(on_card.forward(lines, steps), CardOutcome::done);
    for (size_t i = 0; i < lines.size(); ++i)
        recognise::expect_same_steps(expected[i], steps[i], bit_by_bit,
                                     "line " + std::to_string(i) + " of " + std::to_string(lines[i].width) + " pixels");
}

void expect_like_reference(const Network& network, const std::vector<LineImage>& lines,
                           uint64_t memory = 16 * mebibyte) {
    const OpenCard card(memory);
    expect_these(OnCard(card, network), lines, expected_of(network, lines), network.integers);
}

/// What is set for a test is as it was after it.
template <class Value>
class Set {
  public:
    Set(Value& variable, Value value) : variable_(variable), before_(std::exchange(variable, value)) {}
    Set(const Set&) = delete;
    Set& operator=(const Set&) = delete;
    ~Set() { variable_ = before_; }

  private:
    Value& variable_;
    Value before_;
};

std::vector<LineImage> noisy_lines(uint32_t height, const std::vector<uint32_t>& widths) {
    std::vector<LineImage> lines;
    for (uint32_t width : widths) lines.push_back(noisy_line(width, height, width));
    return lines;
}

struct Size {
    uint32_t height;
    uint32_t down;
    uint32_t first;
    uint32_t last;
    uint32_t classes;
};
class Sizes : public testing::TestWithParam<Size> {};

TEST_P(Sizes, GiveTheScoresOfTheReference) {
    const auto& [height, down, first, last, classes] = GetParam();
    Network network = made_network(height, 4e-7f, {16, down, {first, first, last}, classes});
    // A batch that is not in order, with lines of a step and of none.
    const std::vector<LineImage> lines = noisy_lines(height, {9, 3, 2, 32, 4, 0, 15});
    const uint64_t memory = (classes > 1000 ? 128 : 32) * mebibyte;
    expect_like_reference(network, lines, memory);
    make_real(network);
    expect_like_reference(network, lines, memory);
}

INSTANTIATE_TEST_SUITE_P(CudaNetworks, Sizes,
                         testing::Values(Size{36, 48, 96, 128, 70}, Size{36, 48, 96, 192, 111},
                                         Size{36, 48, 96, 256, 113}, Size{36, 48, 96, 384, 98},
                                         Size{36, 48, 96, 512, 128}, Size{36, 64, 96, 192, 10},
                                         Size{36, 64, 96, 512, 81}, Size{48, 48, 64, 128, 33},
                                         Size{48, 48, 96, 192, 65}, Size{48, 64, 64, 256, 3},
                                         Size{48, 64, 96, 384, 230}, Size{48, 64, 96, 512, 9001}),
                         [](const auto& each) {
                             const Size& size = each.param;
                             return std::to_string(size.height) + "pixels" + std::to_string(size.down) + "down" +
                                    std::to_string(size.last) + "along" + std::to_string(size.classes) + "classes";
                         });

TEST(CudaNetworks, ReadEnglish) {
    Network network = recognise::installed_network("eng");
    std::vector<LineImage> lines = recognise::printed_lines(network.height, 2);
    lines.push_back(noisy_line(310, network.height, 1));
    lines.push_back(noisy_line(5, network.height, 2));
    expect_like_reference(network, lines);
    make_real(network);
    expect_like_reference(network, lines);
    const OpenCard card;
    std::vector<Steps> scores;
    ASSERT_EQ(OnCard(card, network).forward(lines, scores), CardOutcome::done);
    const std::vector<Steps> expected = expected_of(network, lines);
    for (size_t i = 0; i < lines.size(); ++i)
        EXPECT_TRUE(std::ranges::equal(scores[i], expected[i], {}, &StepScores::best_class, &StepScores::best_class))
            << i;
}

TEST(CudaNetworks, FillUpWhatFillsNoVector) {
    for (uint32_t height : {3u, 7u, 20u, 36u}) {
        SCOPED_TRACE(height);
        Network network = made_network(height, 4e-7f);
        const std::vector<LineImage> lines = noisy_lines(height, {3, 4, 5, 6, 95, 96, 97, 98, 99, 195});
        expect_like_reference(network, lines);
        make_real(network);
        expect_like_reference(network, lines);
    }
}

TEST(CudaNetworks, SaturateWhereTheReferenceDoes) {
    for (float scale : {1e-3f, 1e6f}) {
        SCOPED_TRACE(scale);
        expect_like_reference(made_network(36, scale), noisy_lines(36, {3, 20, 71}));
    }
}

TEST(CudaNetworks, KeepCellsAsTheReferenceDoes) {
    const Network network = recognise::network_of_cells(12);
    const std::vector<LineImage> lines = noisy_lines(12, {99, 30, 3});
    const OpenCard card;
    expect_these(OnCard(card, network), lines, expected_of(network, lines), true);
}

TEST(CudaNetworks, AreSplitAmongBlocksAndPieces) {
    const Network network = made_network(12, 4e-7f);
    std::vector<uint32_t> widths;
    for (uint32_t width = 3; width < 159; width += 3) widths.push_back(width);
    std::shuffle(widths.begin(), widths.end(), std::mt19937(1));
    const std::vector<LineImage> lines = noisy_lines(12, widths);
    const std::vector<Steps> expected = expected_of(network, lines);
    // On one all groups of a block have lines; on many a block has one.
    for (uint32_t multiprocessors : {1u, 3u, 1000u}) {
        const Set set(EmulatedCard::multiprocessors, multiprocessors);
        const OpenCard card(4 * mebibyte);  // 352 steps a piece, of 1,378
        expect_these(OnCard(card, network), lines, expected, true);
    }
}

TEST(CudaNetworks, GoWithLessSharedMemory) {
    Network network = made_network(36, 4e-7f, {16, 48, {96, 20, 900}, 67});
    const std::vector<LineImage> lines = noisy_lines(36, {30, 9, 21, 3, 6});
    for (bool integers : {true, false}) {
        if (!integers) make_real(network);
        const std::vector<Steps> expected = expected_of(network, lines);
        for (size_t limit : {48u << 10, 64u << 10, 227u << 10}) {
            const Set set(EmulatedCard::shared_limit, limit);
            const OpenCard card(64 * mebibyte);
            expect_these(OnCard(card, network), lines, expected, integers);
        }
        const Set set(EmulatedCard::shared_limit, size_t{32} << 10);
        EXPECT_FALSE(OnCard(OpenCard(), network).is_there());
    }
}

TEST(CudaNetworks, TakeBatchesThatAreJustFull) {
    // Of LSTMs that are wider than what is before them, so that a plane's last place is one of theirs.
    const Network network = made_network(6, 4e-7f, {19, 21, {33, 60, 90}, 67});
    const OpenCard card(mebibyte);
    const OnCard on_card(card, network);
    ASSERT_TRUE(on_card.is_there());
    const uint32_t most = on_card.most_columns();
    ASSERT_GT(most, 500u);
    std::vector<LineImage> lines = noisy_lines(6, {300, 62, 19, 2});
    lines.push_back(noisy_line(most - 300 - 62 - 19 - 2, 6, 9));
    expect_these(on_card, lines, expected_of(network, lines), true);
    const std::vector<LineImage> widest = noisy_lines(6, {most});
    expect_these(on_card, widest, expected_of(network, widest), true);
    const std::vector<LineImage> many(card.info.most_lines, noisy_line(3, 6, 1));
    expect_these(on_card, many, expected_of(network, many), true);

    std::vector<Steps> scores;
    lines.push_back(noisy_line(1, 6, 1));
    EXPECT_EQ(on_card.forward(lines, scores), CardOutcome::too_large);
    EXPECT_EQ(on_card.forward(noisy_lines(6, {UINT16_MAX}), scores), CardOutcome::too_large);
    EXPECT_EQ(on_card.forward(noisy_lines(6, std::vector<uint32_t>(card.info.most_lines + 1, 1)), scores),
              CardOutcome::too_large);
    EXPECT_EQ(on_card.forward({}, scores), CardOutcome::done);
    EXPECT_STREQ(emulated_card.trouble(card), "");
}

TEST(CudaNetworks, ShareACardAmongThreads) {
    Network integers = made_network(12, 4e-7f);
    Network reals = integers;
    make_real(reals);
    const OpenCard card;
    const OnCard of_integers(card, integers), of_reals(card, reals);
    const auto read = [&](const Network& network, const OnCard& on_card, uint32_t width) {
        const std::vector<LineImage> lines = noisy_lines(12, {width, 9, width / 2});
        const std::vector<Steps> expected = expected_of(network, lines);
        for (int i = 0; i < 20; ++i) expect_these(on_card, lines, expected, network.integers);
    };
    // One more than there are slots.
    std::thread first(read, std::cref(integers), std::cref(of_integers), 40);
    std::thread second(read, std::cref(integers), std::cref(of_integers), 70);
    read(reals, of_reals, 60);
    first.join();
    second.join();
}

TEST(CudaNetworks, AreRefusedWhereTheKernelsDoNotRunThem) {
    const OpenCard card;
    Network relu = made_network(36, 1e-6f);
    relu.root.inner[2].type = recognise::LayerType::relu;
    EXPECT_FALSE(OnCard(card, relu).is_there());
    Network negative = made_network(36, 1e-6f);
    negative.root.inner[2].weights.scales[3] = -1e-6f;
    EXPECT_FALSE(OnCard(card, negative).is_there());
}

TEST(CudaNetworks, TakeMemoryAndGiveItBack) {
    const Network network = made_network(36, 1e-6f);
    const OpenCard card(2 * mebibyte);
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<OnCard>> held;
        do held.push_back(std::make_unique<OnCard>(card, network));
        while (held.back()->is_there() && held.size() < 1000);
        EXPECT_GT(held.size(), 3u);
        EXPECT_LT(held.size(), 100u);
        // A gap in the middle is as good as any.
        held.erase(held.begin() + 1);
        held.back() = std::make_unique<OnCard>(card, network);
        EXPECT_TRUE(held.back()->is_there());
    }
    EXPECT_STREQ(emulated_card.trouble(card), "");
}

TEST(Cards, OpenWithLessMemoryWhereThereIsLess) {
    const Set set(EmulatedCard::free_memory, size_t{5 * mebibyte});
    {
        const OpenCard card(12 * mebibyte);
        EXPECT_EQ(card.info.memory, 3 * mebibyte);
        EXPECT_EQ(card.info.at_once, 2u);
        EXPECT_EQ(card.info.most_lines, 256u);
    }
    CardInfo info;
    EXPECT_EQ(emulated_card.open(0, mebibyte - 1, &info), nullptr);
    EXPECT_STREQ(info.error, "less than 1 MiB of its memory may be used or are free");
    EXPECT_EQ(emulated_card.open(1, mebibyte, &info), nullptr);
    EXPECT_STREQ(info.error, "there is one emulated card, number 0");
    EXPECT_EQ(emulated_card.version, card_version);
}

TEST(Cards, AreLostWhereTheyDoNotAnswer) {
    const Network network = made_network(36, 1e-6f);
    const std::vector<LineImage> lines = noisy_lines(36, {9, 30});
    std::vector<std::string> troubles;
    for (int calls = 1; troubles.size() < 11; ++calls) {
        const OpenCard card;
        const OnCard on_card(card, network);
        std::vector<Steps> scores;
        const Set set(EmulatedCard::calls_until_lost, calls);
        if (on_card.forward(lines, scores) == CardOutcome::done) break;
        EmulatedCard::calls_until_lost = -1;
        // It does not come back, and the first trouble is what is told.
        troubles.emplace_back(emulated_card.trouble(card));
        EXPECT_EQ(on_card.forward(lines, scores), CardOutcome::lost);
        EXPECT_FALSE(OnCard(card, network).is_there());
        EXPECT_EQ(emulated_card.trouble(card), troubles.back());
    }
    // Pixels in; a convolution, LSTMs down and along, products, softmax, its steps' best; these out.
    EXPECT_EQ(troubles, (std::vector<std::string>{
                            "upload: the card fell off", "launch: the card fell off", "launch: the card fell off",
                            "launch: the card fell off", "launch: the card fell off", "launch: the card fell off",
                            "launch: the card fell off", "launch: the card fell off", "launch: the card fell off",
                            "upload: the card fell off", "wait: the card fell off"}));
}

#ifdef CUDA_CARD
/// It loads without a driver; whether or not there is one, and a card, there are not so many.
TEST(Cards, OfCudaSayWhatIsMissing) {
    void* const library = dlopen(CUDA_CARD, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto table_of = reinterpret_cast<CardTableOf>(dlsym(library, card_table_symbol));
    ASSERT_NE(table_of, nullptr);
    const CardTable& cuda = *table_of();
    EXPECT_EQ(cuda.version, card_version);
    EXPECT_STREQ(cuda.name, "CUDA");
    CardInfo info;
    ASSERT_EQ(cuda.open(1000, 64 * mebibyte, &info), nullptr);
    const std::string error = info.error;
    EXPECT_NE(error.find("NVIDIA driver"), std::string::npos) << error;
    EXPECT_GT(error.size(), 40u) << error;
}
#endif

TEST(CardArithmetic, RoundsAndLooksUpAsTheReferenceDoes) {
    for (float half = -127.5f; half < 128; ++half)
        for (float x : {half, std::nextafter(half, -1000.0f), std::nextafter(half, 1000.0f)})
            EXPECT_EQ(nearest(x), recognise::rounded(x)) << x;
    const recognise::Tables& tables = recognise::tables();
    std::mt19937 random(1);
    for (int i = 0; i < 100000; ++i) {
        // Steps of the tables, what is between them, and what is beyond.
        const auto whole = static_cast<float>(static_cast<int>(random() % 10000) - 5000);
        const float x = (whole + (i % 3 == 0 ? 0 : static_cast<float>(random() % 1000) / 1000)) / 256;
        ASSERT_EQ(tanh_of(tables.tanh, x), recognise::table_tanh(tables, x)) << x;
        ASSERT_EQ(logistic_of(tables.logistic, x), recognise::table_logistic(tables, x)) << x;
    }
    for (float x : {1e30f, -1e30f, 16.0f, -16.0f, 4095.0f / 256})
        EXPECT_EQ(logistic_of(tables.logistic, x), recognise::table_logistic(tables, x)) << x;
}

/// Bit by bit what the C library says, on CPUs that fuse: the reference's softmax is made of it.
TEST(CardArithmetic, HasTheExponentialsOfTheLibrary) {
    unsigned long long powers[exponent_steps];
    for (uint32_t i = 0; i < exponent_steps; ++i)
        powers[i] = std::bit_cast<uint64_t>(std::exp2(i / double{exponent_steps})) - (uint64_t{i} << 47);
    const uint32_t least = std::bit_cast<uint32_t>(-86.0f), zero = std::bit_cast<uint32_t>(-0.0f);
    uint32_t different = 0;
    for (uint32_t bits = zero; bits <= least; bits += EXPONENTIAL_STEP) {
        const auto x = std::bit_cast<float>(bits);
        different += std::exp(x) != exponential(powers, x);
    }
    EXPECT_EQ(different, 0u);
    EXPECT_EQ(exponential(powers, 0), 1);
    // Of all of them the only one in which a product that is not fused shows.
    volatile float rare = -0x1.f8cbb2p+5f;  // or the compiler knows better than the library
    EXPECT_EQ(exponential(powers, rare), std::exp(rare));
}

}  // namespace
}  // namespace pg_ocr
