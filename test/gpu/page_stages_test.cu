// A card's kernels for pages and scores against what the CPU made of the same pages, and how long the card takes.
// BUNDLE names the folder that test/gpu/bundle made.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numbers>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "cuda/page_components.cuh"
#include "cuda/page_evened.cuh"
#include "cuda/page_ink.cuh"
#include "cuda/page_lines.cuh"
#include "cuda/page_local_ink.cuh"
#include "cuda/page_straightened.cuh"
#include "cuda/step_scores.cuh"
#include "saved_stages.h"

namespace pg_ocr {
namespace {

void check(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

/// Values in the memory of a card.
template <class Value>
class OnCard {
  public:
    explicit OnCard(size_t count) : count_(count) {
        check(cudaMalloc(&values_, std::max<size_t>(count, 1) * sizeof(Value)));
    }
    explicit OnCard(const std::vector<Value>& values) : OnCard(values.size()) {
        check(cudaMemcpy(values_, values.data(), count_ * sizeof(Value), cudaMemcpyHostToDevice));
    }
    OnCard(const OnCard&) = delete;
    OnCard& operator=(const OnCard&) = delete;
    ~OnCard() { cudaFree(values_); }
    Value* get() const { return values_; }
    size_t bytes() const { return count_ * sizeof(Value); }
    std::vector<Value> copied() const {
        std::vector<Value> values(count_);
        check(cudaMemcpy(values.data(), values_, count_ * sizeof(Value), cudaMemcpyDeviceToHost));
        return values;
    }
    Value first() const { return copied().at(0); }

  private:
    Value* values_ = nullptr;
    size_t count_;
};

constexpr auto on_card = [](auto kernel, dim3 grid, dim3 block, size_t shared_bytes, auto... arguments) {
    kernel<<<grid, block, shared_bytes>>>(arguments...);
    check(cudaGetLastError());
};

/// Runs it once, and says what it takes the card if it is run again and again.
template <class Act>
void run_and_time(const char* stage, size_t bytes, const Act& act) {
    constexpr int rounds = 20;
    act();
    check(cudaDeviceSynchronize());
    cudaEvent_t begin = nullptr, end = nullptr;
    check(cudaEventCreate(&begin));
    check(cudaEventCreate(&end));
    check(cudaEventRecord(begin));
    for (int i = 0; i < rounds; ++i) act();
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin, end));
    check(cudaEventDestroy(begin));
    check(cudaEventDestroy(end));
    const double each = static_cast<double>(milliseconds) / rounds;
    std::printf("%-12s %8.4f ms %8.2f MB %8.1f GB/s\n", stage, each, static_cast<double>(bytes) / 1e6,
                static_cast<double>(bytes) / 1e6 / each);
}

const std::vector<SavedStages>& saved_pages() {
    static const std::vector<SavedStages> pages = [] {
        const char* bundle = std::getenv("BUNDLE");
        return StagesFile::load(std::string(bundle == nullptr ? "build/gpu-bundle" : bundle) + "/stages");
    }();
    return pages;
}

struct PageOnCard {
    explicit PageOnCard(const SavedStages& saved) : words(saved.words), page(saved.page) { page.words = words.get(); }
    OnCard<uint32_t> words;
    CardPage page;
};

/// How many pages, from the first, which is small.
class PageStages : public testing::TestWithParam<size_t> {
  protected:
    template <class Act>
    void each_of(uint32_t depth, const Act& act) {
        size_t seen = 0;
        for (size_t i = 0; i < std::min(GetParam(), saved_pages().size()); ++i) {
            const SavedStages& saved = saved_pages()[i];
            if (saved.page.depth != depth) continue;
            ++seen;
            SCOPED_TRACE("page " + std::to_string(i));
            act(saved, PageOnCard(saved));
        }
        EXPECT_GT(seen, 0u);
    }
};

TEST_P(PageStages, CutTheLinesThatTheCpuCuts) {
    size_t by_card = 0;
    const auto cut_all = [&](const SavedStages& saved, const PageOnCard& card) {
        std::vector<LineCut> cuts;
        std::vector<uint64_t> expected;
        uint32_t tiles = 0, pixels = 0;
        for (size_t i = 0; i < saved.lines.size(); ++i) {
            LineCut cut = line_cut_of(saved.page, saved.lines[i]);
            if (cut.by == CutBy::nobody) {
                EXPECT_EQ(saved.images[i], 0u);
            }
            if (cut.by != CutBy::card) continue;
            cut.first_tile = tiles;
            cut.image = pixels;
            tiles += tiles_of(cut);
            pixels += cut.width * cut.height;
            cuts.push_back(cut);
            expected.push_back(saved.images[i]);
        }
        if (cuts.empty()) return;
        const OnCard<LineCut> lines(cuts);
        const OnCard<uint8_t> images(pixels);
        run_and_time("lines", card.words.bytes() + images.bytes(), [&] {
            on_card(cut_lines, tiles, line_threads, sizeof(LineTile), card.page, lines.get(),
                    static_cast<uint32_t>(cuts.size()), images.get());
        });
        const std::vector<uint8_t> seen = images.copied();
        for (size_t i = 0; i < cuts.size(); ++i)
            EXPECT_EQ(fingerprint_of({&seen[cuts[i].image], cuts[i].width * cuts[i].height}), expected[i]) << i;
        by_card += cuts.size();
    };
    each_of(8, cut_all);
    each_of(1, cut_all);
    EXPECT_GT(by_card, 0u);
}

TEST_P(PageStages, FindTheInkThatTheCpuFinds) {
    each_of(8, [](const SavedStages& saved, const PageOnCard& card) {
        const uint32_t words_in_row = (saved.page.width + 31) / 32;
        const OnCard<uint32_t> ink(size_t{words_in_row} * saved.page.height);
        const OnCard<uint8_t> is_black(size_t{saved.page.width / tile_side} * (saved.page.height / tile_side));
        const OnCard<FoundInk> found(1);
        run_and_time("ink", 2 * card.words.bytes() + ink.bytes(), [&] {
            launch_ink(on_card, card.page, {ink.get(), words_in_row, found.get(), is_black.get()}, 264);
        });
        const auto fingerprint = [&] {
            const std::vector<uint32_t> seen = ink.copied();
            return fingerprint_of({reinterpret_cast<const uint8_t*>(seen.data()), ink.bytes()});
        };
        EXPECT_EQ(fingerprint(), saved.ink.at(0));
        run_and_time("local ink", card.words.bytes() + ink.bytes(),
                     [&] { launch_local_ink(on_card, card.page, half_a_window, ink.get(), words_in_row); });
        EXPECT_EQ(fingerprint(), saved.ink.at(1));
    });
}

TEST_P(PageStages, FindTheComponentsThatTheCpuFinds) {
    each_of(1, [](const SavedStages& saved, const PageOnCard& card) {
        const auto most = static_cast<uint32_t>(saved.components.size());
        constexpr uint32_t most_runs = 1 << 20;
        const OnCard<CardComponent> components(most), boxes(most_runs);
        const OnCard<uint32_t> first_runs(saved.page.height + 1), first_roots(saved.page.height + 1);
        const OnCard<uint32_t> parents(most_runs), components_found(1), runs_found(1);
        const OnCard<CardRun> runs(most_runs);
        run_and_time("components", card.words.bytes(), [&] {
            launch_components(on_card, card.page,
                              {components.get(), components_found.get(), runs_found.get(), most, most_runs,
                               first_runs.get(), first_roots.get(), runs.get(), parents.get(), boxes.get()});
        });
        ASSERT_LE(runs_found.first(), most_runs);
        ASSERT_EQ(components_found.first(), most);
        const std::vector<CardComponent> seen = components.copied();
        for (size_t i = 0; i < seen.size(); ++i) {
            const SavedComponent& expected = saved.components[i];
            ASSERT_EQ((Box{seen[i].left, seen[i].top, seen[i].right, seen[i].bottom}), expected.box) << i;
            ASSERT_EQ(seen[i].pixels, static_cast<uint32_t>(expected.pixels)) << i;
        }
    });
}

TEST_P(PageStages, EvenAndStraightenAsLeptonicaDoes) {
    each_of(8, [](const SavedStages& saved, const PageOnCard& card) {
        const uint32_t width = map_side(saved.page.width), height = map_side(saved.page.height);
        const OnCard<uint8_t> greys(size_t{width} * height), before(size_t{width} * height);
        const OnCard<uint32_t> columns(width), has_holes(1), has_greys(1), to(saved.words.size());
        run_and_time("evened", 2 * card.words.bytes(), [&] {
            launch_evened(on_card, card.page,
                          {width, height, greys.get(), before.get(), columns.get(), has_holes.get(), has_greys.get()},
                          to.get());
        });
        EXPECT_EQ(fingerprint_of(saved.page, to.copied().data()), saved.evened_and_turned.at(0));
        const float radians = turned_by_degrees * std::numbers::pi_v<float> / 180;
        run_and_time("straightened", 2 * card.words.bytes(),
                     [&] { launch_turn(on_card, card.page, sixteenths_of(radians), to.get()); });
        EXPECT_EQ(fingerprint_of(saved.page, to.copied().data()), saved.evened_and_turned.at(1));
    });
}

INSTANTIATE_TEST_SUITE_P(Small, PageStages, testing::Values(2));
INSTANTIATE_TEST_SUITE_P(All, PageStages, testing::Values(10000));

TEST(StepScoresOnCard, AreThoseThatTheCpuFinds) {
    std::mt19937 random(1);
    for (const uint32_t classes : {2u, 3u, 31u, 32u, 33u, 111u, 415u}) {
        recognise::Scores scores{18000, classes, {}};
        for (size_t i = 0; i < size_t{scores.steps} * classes; ++i)
            scores.values.push_back(static_cast<float>(random() % 5000) / 5000);
        const OnCard<float> values(scores.values);
        const OnCard<recognise::StepScores> found(scores.steps);
        run_and_time("step scores", values.bytes() + found.bytes(), [&] {
            const StepSearch job{values.get(), scores.steps, classes, classes - 1, found.get()};
            on_card(find_step_scores, job.blocks(), step_threads, 0, job);
        });
        const std::vector<recognise::StepScores> seen = found.copied(),
                                                 expected = step_scores_of(scores, static_cast<int32_t>(classes - 1));
        for (size_t i = 0; i < seen.size(); ++i) {
            ASSERT_EQ(seen[i].is_clear(), expected[i].is_clear()) << i;
            ASSERT_EQ(seen[i].best, expected[i].best) << i;
            ASSERT_EQ(seen[i].second, expected[i].second) << i;
            ASSERT_EQ(seen[i].of_null, expected[i].of_null) << i;
            ASSERT_EQ(seen[i].best_class, expected[i].best_class) << i;
            ASSERT_EQ(seen[i].second_class, expected[i].second_class) << i;
        }
    }
}

}  // namespace
}  // namespace pg_ocr
