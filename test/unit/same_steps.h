// What cards give back of lines' scores, compared.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <tuple>

#include "recognise/step_scores.h"

namespace pg_ocr::recognise {

/// Of integers bit by bit. Of floats, which are summed up in another order, within the bound; which class is best need
/// not be the same where two are as close.
inline void expect_same_steps(std::span<const StepScores> expected, std::span<const StepScores> steps, bool bit_by_bit,
                              const std::string& where) {
    constexpr float bound = 2e-5f;
    const auto bits = [](const StepScores& step) {
        return std::tuple(std::bit_cast<uint32_t>(step.best), std::bit_cast<uint32_t>(step.second),
                          std::bit_cast<uint32_t>(step.of_null), step.best_class, step.second_class);
    };
    ASSERT_EQ(expected.size(), steps.size()) << where;
    for (size_t i = 0; i < steps.size(); ++i) {
        const StepScores &one = expected[i], &other = steps[i];
        if (bit_by_bit) {
            ASSERT_EQ(bits(one), bits(other)) << where << ", step " << i;
            continue;
        }
        ASSERT_LE(std::abs(one.best - other.best), bound) << where << ", step " << i;
        ASSERT_LE(std::abs(one.second - other.second), bound) << where << ", step " << i;
        ASSERT_LE(std::abs(one.of_null - other.of_null), bound) << where << ", step " << i;
        const bool is_close = one.best - one.second <= 2 * bound;
        ASSERT_TRUE(is_close || one.best_class == other.best_class) << where << ", step " << i;
    }
}

}  // namespace pg_ocr::recognise
