#include "recognise/step_scores.h"

#include <algorithm>

#include "recognise/best_classes.h"
#include "recognise/language.h"

namespace pg_ocr::recognise {

bool needs_step_scores_only(const Language& language) {
    return !language.simple_text && language.recoder.first_ranks()[language.null_code].ending >= 0;
}

std::vector<StepScores> step_scores_of(const Scores& scores, int32_t null_code) {
    std::vector<StepScores> steps(scores.steps);
    for (size_t i = 0; i < steps.size(); ++i) {
        const auto step = std::span(scores.values).subspan(i * scores.classes, scores.classes);
        const bool are_numbers = std::ranges::all_of(step, [](float value) { return value >= 0; });
        const std::optional<BestClasses> best = are_numbers ? best_classes(step) : std::nullopt;
        if (best)
            steps[i] = {step[best->best], step[best->second], step[null_code], static_cast<uint16_t>(best->best),
                        static_cast<uint16_t>(best->second)};
    }
    return steps;
}

std::optional<Scores> scores_of(std::span<const StepScores> steps, uint32_t classes, int32_t null_code) {
    Scores scores{static_cast<uint32_t>(steps.size()), classes, std::vector<float>(steps.size() * classes)};
    float* values = scores.values.data();
    for (const StepScores& step : steps) {
        if (!step.is_clear() || std::max(step.best_class, step.second_class) >= classes) return std::nullopt;
        values[null_code] = step.of_null;
        values[step.best_class] = step.best;
        values[step.second_class] = step.second;
        values += classes;
    }
    return scores;
}

}  // namespace pg_ocr::recognise
