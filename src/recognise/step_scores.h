// What a search looks at in a line's scores: of each step, the best two classes and the null. So a card need not give
// more back. Any other class is looked at only where no path can go on with these: and with the null each can, where it
// is a code by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "recognise/line.h"

namespace pg_ocr::recognise {

struct Language;

/// A step's best two classes, and what they and the null are worth. The two are one and the same where it takes more to
/// tell, as for best_classes(), or where something is no number.
struct alignas(16) StepScores {
    float best = 0;
    float second = 0;
    float of_null = 0;
    uint16_t best_class = 0;
    uint16_t second_class = 0;
    bool is_clear() const { return best_class != second_class; }
};

/// Whether the search never looks at others.
bool needs_step_scores_only(const Language&);

std::vector<StepScores> step_scores_of(const Scores&, int32_t null_code);

/// With 0 for all others: a path, and mean_of_best(), are then what they were. Nothing where a step is not clear, or
/// has other classes.
std::optional<Scores> scores_of(std::span<const StepScores>, uint32_t classes, int32_t null_code);

}  // namespace pg_ocr::recognise
