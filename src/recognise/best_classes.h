// Which classes a step of a network is worth most, found many at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "recognise/line.h"

namespace pg_ocr::recognise {

struct BestClasses {
    int32_t best;
    int32_t second;
};

/// Nothing where it takes more to tell: there are fewer than two classes, or others are worth as much as one of the
/// two.
std::optional<BestClasses> best_classes(std::span<const float> step);

/// The mean of what the best class of each step is worth, of those that stand for something; in steps of 1/127.
float mean_of_best(const Scores&, int32_t null_code);

}  // namespace pg_ocr::recognise
