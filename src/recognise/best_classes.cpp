#include "recognise/best_classes.h"

#include <algorithm>
#include <limits>

namespace pg_ocr::recognise {
namespace {

/// Side by side, so that compilers take them in vectors.
constexpr size_t lanes = 16;
constexpr float none = std::numeric_limits<float>::lowest();

float greater(float a, float b) { return a > b ? a : b; }
float lesser(float a, float b) { return a < b ? a : b; }

/// The two greatest of some values; twice the same where two are equal.
struct GreatestTwo {
    float first[lanes];
    float second[lanes];

    explicit GreatestTwo(std::span<const float> values) {
        std::fill_n(first, lanes, none);
        std::fill_n(second, lanes, none);
        size_t at = 0;
        for (; at + lanes <= values.size(); at += lanes)
            for (size_t lane = 0; lane < lanes; ++lane) add(lane, values[at + lane], none);
        for (size_t lane = 0; at < values.size(); ++at, ++lane) add(lane, values[at], none);
        for (size_t half = lanes / 2; half > 0; half /= 2)
            for (size_t lane = 0; lane < half; ++lane) add(lane, first[lane + half], second[lane + half]);
    }
    void add(size_t lane, float greatest, float next) {
        const float least = lesser(first[lane], greatest);
        second[lane] = greater(greater(second[lane], next), least);
        first[lane] = greater(first[lane], greatest);
    }
};

float greatest_of(const float* values, size_t count) {
    float all[lanes];
    std::fill_n(all, lanes, none);
    size_t at = 0;
    for (; at + lanes <= count; at += lanes)
        for (size_t lane = 0; lane < lanes; ++lane) all[lane] = greater(all[lane], values[at + lane]);
    for (size_t lane = 0; at < count; ++at, ++lane) all[lane] = greater(all[lane], values[at]);
    for (size_t half = lanes / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; ++lane) all[lane] = greater(all[lane], all[lane + half]);
    return all[0];
}

}  // namespace

std::optional<BestClasses> best_classes(std::span<const float> step) {
    if (step.size() < 2) return std::nullopt;
    const GreatestTwo greatest(step);
    const float most = greatest.first[0], next = greatest.second[0];
    if (!(most > next)) return std::nullopt;
    // Of one class each, the sum of those that are worth so much is that class.
    int32_t best = 0, second = 0, as_good = 0;
    for (int32_t i = 0; i < static_cast<int32_t>(step.size()); ++i) {
        best += step[i] == most ? i : 0;
        second += step[i] == next ? i : 0;
        as_good += step[i] >= next ? 1 : 0;
    }
    if (as_good != 2) return std::nullopt;
    return BestClasses{best, second};
}

float mean_of_best(const Scores& scores, int32_t null_code) {
    int64_t sum = 0, count = 0;
    for (uint32_t step = 0; step < scores.steps; ++step) {
        const float* begin = scores.values.data() + size_t{step} * scores.classes;
        const float best = greatest_of(begin, scores.classes);
        // Of equals, the first counts.
        if (begin[null_code] == best && std::find(begin, begin + null_code, best) == begin + null_code) continue;
        sum += static_cast<int32_t>(127 * best);
        ++count;
    }
    return count == 0 ? 0 : static_cast<float>(static_cast<double>(sum) / static_cast<double>(count) / 127);
}

}  // namespace pg_ocr::recognise
