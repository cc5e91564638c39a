// A card against the CPU: the scores of whole networks of all sizes, of lines of noise and of pages. CARD_TABLE names
// the library, by default the CPU's stand-in; BUNDLE the folder that test/gpu/bundle made, for models and pages.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gpu/card.h"
#include "recognise/model_file.h"
#include "recognise/reference.h"
#include "recognise/step_scores.h"
#include "saved_lines.h"
#include "unit/model_bytes.h"
#include "unit/same_steps.h"

namespace pg_ocr {
namespace {

using recognise::CompiledNetwork;
using recognise::LineImage;
using recognise::LinePixels;
using recognise::made_network;
using recognise::make_real;
using recognise::Network;
using recognise::Scores;
using recognise::step_scores_of;
using recognise::StepScores;
using Steps = std::vector<StepScores>;

std::string setting(const char* name, const std::string& otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : value;
}

const CardTable& table() {
    static const CardTable& found = []() -> const CardTable& {
        const std::string name = setting("CARD_TABLE", stand_in_card.name);
        if (name == stand_in_card.name) return stand_in_card;
        void* library = ::dlopen(name.c_str(), RTLD_NOW);
        if (library == nullptr) throw std::runtime_error(::dlerror());
        const auto of = reinterpret_cast<CardTableOf>(::dlsym(library, card_table_symbol));
        if (of == nullptr) throw std::runtime_error(name + " has no table of functions");
        return *of();
    }();
    return found;
}

/// One open card for all tests.
class OpenCard {
  public:
    explicit OpenCard(uint64_t memory) : card_(table().open(0, memory, &info_)) {
        if (card_ == nullptr) throw std::runtime_error(info_.error);
    }
    ~OpenCard() { table().close(card_); }
    OpenCard(const OpenCard&) = delete;
    OpenCard& operator=(const OpenCard&) = delete;
    Card* get() const { return card_; }
    const CardInfo& info() const { return info_; }

  private:
    CardInfo info_{};
    Card* card_;
};

OpenCard& card() {
    static OpenCard open(uint64_t{1} << 30);
    return open;
}

class OnCard {
  public:
    explicit OnCard(const Network& network, Card* on = card().get())
        : network_(network), on_card_(table().compile(on, &network), table().release) {}
    explicit operator bool() const { return on_card_ != nullptr; }
    uint32_t most_columns() const { return table().most_columns(on_card_.get()); }
    CardOutcome forward(const std::vector<LineImage>& lines, std::vector<Steps>& steps) const {
        std::vector<LinePixels> pixels;
        std::vector<StepScores*> to;
        steps.assign(lines.size(), {});
        for (size_t i = 0; i < lines.size(); ++i) {
            pixels.push_back({lines[i].pixels.data(), lines[i].width});
            steps[i].resize(lines[i].width / network_.x_scale);
            to.push_back(steps[i].data());
        }
        return table().forward(on_card_.get(), pixels.data(), pixels.size(), to.data());
    }

  private:
    const Network& network_;
    std::unique_ptr<CardNetwork, void (*)(CardNetwork*)> on_card_;
};

LineImage noisy_line(uint32_t width, uint32_t height, uint32_t seed) {
    std::mt19937 random(seed);
    LineImage line{width, height, std::vector<uint8_t>(size_t{width} * height)};
    for (size_t i = 0; i < line.pixels.size(); ++i)
        line.pixels[i] = static_cast<uint8_t>(random() % 3 == 0 ? random() % 256 : i / 5 % 2 == 0 ? 20 : 230);
    return line;
}

std::vector<LineImage> noisy_lines(uint32_t height, const std::vector<uint32_t>& widths) {
    std::vector<LineImage> lines;
    lines.reserve(widths.size());
    for (const uint32_t width : widths) lines.push_back(noisy_line(width, height, width + 1));
    return lines;
}
const std::vector<uint32_t> some_widths = {75, 3, 4, 5, 2, 0, 6, 151, 9, 11, 36, 69, 71, 72, 100, 3, 333};

/// What the CPU makes of lines.
std::vector<Steps> expected_of(const Network& network, const std::vector<LineImage>& lines) {
    std::vector<Steps> expected;
    for (const Scores& scores : CompiledNetwork(network).forward(lines))
        expected.push_back(step_scores_of(scores, network.null_code));
    return expected;
}

void expect_like(const Network& network, const std::vector<Steps>& expected, const std::vector<Steps>& made,
                 const std::string& where) {
    ASSERT_EQ(expected.size(), made.size());
    for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_NO_FATAL_FAILURE(recognise::expect_same_steps(
            expected[i], made[i], network.integers,
            where + ", line " + std::to_string(i) + " of " + std::to_string(expected.size())));
}

/// In batches of 1, 2, 5 and all.
void expect_like_cpu(const Network& network, const std::vector<LineImage>& lines, const std::string& where) {
    const OnCard on_card(network);
    ASSERT_TRUE(on_card) << where;
    std::vector<Steps> made;
    for (const size_t count : {size_t{1}, size_t{2}, size_t{5}, lines.size()})
        for (size_t begin = 0; begin < lines.size(); begin += count) {
            const std::vector<LineImage> batch(
                lines.begin() + static_cast<ptrdiff_t>(begin),
                lines.begin() + static_cast<ptrdiff_t>(std::min(begin + count, lines.size())));
            ASSERT_EQ(on_card.forward(batch, made), CardOutcome::done)
                << where << ": " << table().trouble(card().get());
            expect_like(network, expected_of(network, batch), made, where);
        }
}

struct Size {
    uint32_t height, down, last, classes;
};

/// As tessdata's models have them: the height, the LSTM down a column, the last one along the line.
const std::vector<Size> sizes = {{36, 48, 128, 90},  {36, 48, 192, 111},  {36, 48, 256, 113},  {36, 64, 192, 120},
                                 {36, 64, 256, 200}, {36, 64, 384, 400},  {36, 64, 512, 900},  {48, 48, 192, 111},
                                 {48, 64, 256, 150}, {48, 64, 384, 2500}, {48, 64, 512, 4000}, {36, 48, 512, 10000}};

Network network_of(const Size& size) {
    recognise::LayerSizes layers;
    layers.tanh = 16;
    layers.down = size.down;
    layers.along[0] = layers.along[1] = 96;
    layers.along[2] = size.last;
    layers.classes = size.classes;
    return made_network(size.height, 4e-7f, layers);
}

TEST(CardParity, OfIntegersInAllSizes) {
    for (const Size& size : sizes)
        expect_like_cpu(
            network_of(size), noisy_lines(size.height, some_widths),
            std::to_string(size.height) + " " + std::to_string(size.down) + " " + std::to_string(size.last));
}

TEST(CardParity, OfFloatsInAllSizes) {
    for (const Size& size : sizes) {
        Network network = network_of(size);
        make_real(network);
        expect_like_cpu(network, noisy_lines(size.height, some_widths), "of floats " + std::to_string(size.last));
    }
}

TEST(CardParity, OfOddSizes) {
    for (const uint32_t height : {3u, 7u, 20u, 36u})
        for (const float scale : {4e-7f, 1e-3f, 1e6f}) {
            expect_like_cpu(made_network(height, scale), noisy_lines(height, some_widths), "of odd sizes");
            Network real = made_network(height, scale);
            make_real(real);
            if (scale < 1e-3f) expect_like_cpu(real, noisy_lines(height, some_widths), "of odd sizes, floats");
        }
}

/// Not only like the CPU's kernels, but like what these are compared with.
TEST(CardParity, WithTheReference) {
    const Network network = made_network(36, 4e-7f);
    const std::vector<LineImage> lines = noisy_lines(36, {3, 40, 100});
    const OnCard on_card(network);
    std::vector<Steps> expected, made;
    for (const LineImage& line : lines)
        expected.push_back(step_scores_of(forward_reference(network, line), network.null_code));
    ASSERT_EQ(on_card.forward(lines, made), CardOutcome::done);
    expect_like(network, expected, made, "reference");
}

/// Fused products and other roundings show here first: bit by bit, though it is of floats.
TEST(CardParity, OfCells) {
    const Network network = recognise::network_of_cells(36);
    const std::vector<LineImage> lines = noisy_lines(36, some_widths);
    const OnCard on_card(network);
    std::vector<Steps> made;
    ASSERT_EQ(on_card.forward(lines, made), CardOutcome::done);
    for (size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].width < 3) continue;
        constexpr bool bit_by_bit = true;
        recognise::expect_same_steps(step_scores_of(forward_reference(network, lines[i]), network.null_code), made[i],
                                     bit_by_bit, "line " + std::to_string(i));
    }
}

TEST(CardParity, InBatchesThatFillTheCard) {
    const Network network = network_of(sizes[1]);
    const OpenCard small(uint64_t{256} << 20);
    const OnCard on_card(network, small.get());
    ASSERT_TRUE(on_card);
    std::mt19937 random(5);
    std::vector<LineImage> lines;
    uint64_t columns = 0;
    for (;;) {
        const auto width = static_cast<uint32_t>(3 + random() % 400);
        if (lines.size() == std::min(small.info().most_lines, 3000u) || columns + width > on_card.most_columns()) break;
        columns += width;
        lines.push_back(noisy_line(width, network.height, width));
    }
    std::vector<Steps> made;
    ASSERT_EQ(on_card.forward(lines, made), CardOutcome::done);
    expect_like(network, expected_of(network, lines), made, std::to_string(lines.size()) + " lines");
    ASSERT_EQ(on_card.forward(lines, made), CardOutcome::done) << "again";
    expect_like(network, expected_of(network, lines), made, "again");
    while (columns <= on_card.most_columns()) {
        columns += 4000;
        lines.push_back(noisy_line(4000, network.height, 1));
    }
    EXPECT_EQ(on_card.forward(lines, made), CardOutcome::too_large);
    lines.resize(1);
    EXPECT_EQ(on_card.forward(lines, made), CardOutcome::done) << "nothing is wrong with it";
}

TEST(CardParity, OfSeveralThreadsAtOnce) {
    const Network one = network_of(sizes[0]), other = network_of(sizes[8]);
    const OnCard one_on_card(one), other_on_card(other);
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < card().info().at_once; ++i)
        threads.emplace_back([&, i] {
            const Network& network = i % 2 == 0 ? one : other;
            const OnCard& on_card = i % 2 == 0 ? one_on_card : other_on_card;
            std::vector<Steps> made;
            for (uint32_t round = 0; round < 5; ++round) {
                const std::vector<LineImage> lines = noisy_lines(network.height, {90 + i, 3 + round, 200, 41});
                ASSERT_EQ(on_card.forward(lines, made), CardOutcome::done);
                expect_like(network, expected_of(network, lines), made, "thread " + std::to_string(i));
            }
        });
    for (std::thread& thread : threads) thread.join();
}

TEST(CardParity, OnPages) {
    const std::string bundle = setting("BUNDLE", "");
    if (bundle.empty()) GTEST_SKIP() << "BUNDLE names no folder";
    size_t models = 0, lines = 0;
    for (const auto& entry : std::filesystem::directory_iterator(bundle + "/tessdata")) {
        if (entry.path().extension() != ".traineddata") continue;
        const Network network = recognise::parse_network(recognise::ModelFile::read(entry.path()));
        const OnCard on_card(network);
        ASSERT_TRUE(on_card) << entry.path();
        std::vector<Steps> made;
        const SavedPages pages = saved_lines(bundle + "/lines-" + std::to_string(network.height));
        for (const std::vector<LineImage>& page : pages) {
            const std::vector<LineImage> fitting(
                page.begin(), page.begin() + static_cast<ptrdiff_t>(std::min<size_t>(64, page.size())));
            if (fitting.empty()) continue;
            ASSERT_EQ(on_card.forward(fitting, made), CardOutcome::done) << entry.path();
            expect_like(network, expected_of(network, fitting), made, entry.path());
            lines += fitting.size();
        }
        ++models;
    }
    std::cout << lines << " lines of pages by " << models << " models\n";
    EXPECT_GT(lines, 0u);
}

}  // namespace
}  // namespace pg_ocr
