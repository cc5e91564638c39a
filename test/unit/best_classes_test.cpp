#include "recognise/best_classes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace pg_ocr::recognise {
namespace {

TEST(BestClasses, AreTheTwoThatAllOthersAreLessThan) {
    std::mt19937 random(1);
    size_t told = 0;
    for (size_t classes = 0; classes < 150; ++classes)
        for (int round = 0; round < 20; ++round) {
            std::vector<float> step(classes);
            for (float& value : step) value = static_cast<float>(random() % (round < 10 ? 20 : 2000)) / 2000;
            std::vector<float> sorted = step;
            std::ranges::sort(sorted, std::greater());
            const bool is_clear = classes >= 2 && sorted[0] > sorted[1] && (classes == 2 || sorted[1] > sorted[2]);
            const std::optional<BestClasses> best = best_classes(step);
            ASSERT_EQ(best.has_value(), is_clear) << classes;
            if (!best) continue;
            EXPECT_EQ(step[best->best], sorted[0]);
            EXPECT_EQ(step[best->second], sorted[1]);
            ++told;
        }
    EXPECT_GT(told, 1000u);
}

TEST(BestClasses, TheirMeanLeavesOutStepsOfNothing) {
    constexpr int32_t null_code = 2;
    Scores scores{3, 4, {0.1f, 0.5f, 0.3f, 0.1f, 0.1f, 0.1f, 0.7f, 0.1f, 0.9f, 0.1f, 0, 0}};
    EXPECT_FLOAT_EQ(mean_of_best(scores, null_code), (63 + 114) / 2.0f / 127);
    // Of equals the first counts.
    scores = {2, 4, {0.4f, 0.1f, 0.4f, 0.1f, 0, 0.2f, 0.4f, 0.4f}};
    EXPECT_FLOAT_EQ(mean_of_best(scores, null_code), 50 / 127.0f);
    scores = {1, 4, {0, 0.2f, 0.4f, 0.4f}};
    EXPECT_EQ(mean_of_best(scores, null_code), 0);
    EXPECT_EQ(mean_of_best({0, 4, {}}, null_code), 0);
}

TEST(BestClasses, TheirMeanIsThatOfEveryClassLookedAt) {
    std::mt19937 random(2);
    for (uint32_t classes = 1; classes < 60; ++classes) {
        Scores scores{30, classes, {}};
        for (size_t i = 0; i < size_t{30} * classes; ++i)
            scores.values.push_back(static_cast<float>(random() % 30) / 30);
        const auto null_code = static_cast<int32_t>(random() % classes);
        int64_t sum = 0, count = 0;
        for (uint32_t step = 0; step < scores.steps; ++step) {
            const float* begin = scores.values.data() + size_t{step} * classes;
            const float* best = std::max_element(begin, begin + classes);
            if (best - begin == null_code) continue;
            sum += static_cast<int32_t>(127 * *best);
            ++count;
        }
        const double mean = count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count) / 127;
        EXPECT_EQ(mean_of_best(scores, null_code), static_cast<float>(mean)) << classes;
    }
}

}  // namespace
}  // namespace pg_ocr::recognise
