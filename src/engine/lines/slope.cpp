#include "engine/lines/slope.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace pg_ocr {
namespace {

constexpr double degree = std::numbers::pi / 180;
constexpr double range = 6 * degree, coarse = 0.25 * degree, fine = 0.03 * degree;
constexpr int32_t coarse_steps = 24, fine_steps = 8;  // to either side
constexpr size_t enough_letters = 5000, fewest_letters = 12;

struct Foot {
    float x, y;
};

/// Where letters stand; of very many, some.
std::vector<Foot> feet_of(std::span<const Component> letters, int32_t size) {
    std::vector<Foot> feet;
    for (const Component& letter : letters) {
        const int32_t height = letter.height();
        if (2 * height < size || height > 2 * size || letter.width() > 4 * height) continue;
        feet.push_back(
            {static_cast<float>(letter.box.left + letter.box.right) / 2, static_cast<float>(letter.box.bottom)});
    }
    if (feet.size() > enough_letters) {
        const size_t step = feet.size() / enough_letters + 1;
        size_t kept = 0;
        for (size_t i = 0; i < feet.size(); i += step) feet[kept++] = feet[i];
        feet.resize(kept);
    }
    return feet;
}

/// Sums the squares of how many stand in the same row: the more, the fewer the rows are.
class Rows {
  public:
    Rows(std::vector<Foot> feet, int32_t size) : feet_(std::move(feet)), scale_(4 / static_cast<double>(size)) {
        float least = feet_.front().y, most = least, farthest = 0;
        for (const Foot& foot : feet_) {
            least = std::min(least, foot.y);
            most = std::max(most, foot.y);
            farthest = std::max(farthest, foot.x);
        }
        const double reach = std::tan(range) * static_cast<double>(farthest) + 1;
        first_ = static_cast<double>(least) - reach;
        counts_.resize(static_cast<size_t>((static_cast<double>(most) + reach - first_) * scale_) + 2);
    }
    double sharpness(double slope) {
        std::ranges::fill(counts_, 0u);
        for (const Foot& foot : feet_) {
            const double y = static_cast<double>(foot.y) - slope * static_cast<double>(foot.x);
            const double row = std::clamp((y - first_) * scale_, 0.0, static_cast<double>(counts_.size() - 1));
            ++counts_[static_cast<size_t>(row)];
        }
        double sum = 0;
        for (const uint32_t count : counts_) sum += static_cast<double>(count) * count;
        return sum;
    }

  private:
    std::vector<Foot> feet_;
    double scale_, first_ = 0;
    std::vector<uint32_t> counts_;
};

}  // namespace

double slope_of(std::span<const Component> letters, int32_t size) {
    std::vector<Foot> feet = feet_of(letters, size);
    if (feet.size() < fewest_letters) return 0;
    Rows rows(std::move(feet), size);
    double best = 0, sharpest = rows.sharpness(0);
    const auto attempt = [&](double angle) {
        const double sharpness = rows.sharpness(std::tan(angle));
        if (sharpness > sharpest) {
            sharpest = sharpness;
            best = angle;
        }
    };
    for (int32_t step = -coarse_steps; step <= coarse_steps; ++step) attempt(step * coarse);
    const double about = best;
    for (int32_t step = -fine_steps; step <= fine_steps; ++step) attempt(about + step * fine);
    return std::tan(best);
}

float share_across(std::span<const Component> letters, int32_t size) {
    constexpr int32_t reach = 3;  // in heights of a letter
    std::vector<const Component*> usual;
    for (const Component& letter : letters)
        if (2 * letter.height() >= size && letter.height() <= 2 * size && letter.width() <= 2 * size)
            usual.push_back(&letter);
    std::ranges::sort(usual, {}, [](const Component* letter) { return letter->box.left; });
    const auto overlap = [](int32_t a_begin, int32_t a_end, int32_t b_begin, int32_t b_end) {
        return 2 * (std::min(a_end, b_end) - std::max(a_begin, b_begin)) > std::min(a_end - a_begin, b_end - b_begin);
    };
    size_t across = 0, all = 0;
    for (size_t i = 0; i < usual.size(); ++i) {
        const Box& box = usual[i]->box;
        int32_t beside = reach * size, below = reach * size;
        const auto look_at = [&](const Box& other) {
            if (overlap(box.top, box.bottom, other.top, other.bottom) && other.left >= box.left)
                beside = std::min(beside, std::max(other.left - box.right, 0));
            else if (overlap(box.left, box.right, other.left, other.right))
                below = std::min(below, std::max({other.top - box.bottom, box.top - other.bottom, 0}));
        };
        for (size_t j = i + 1; j < usual.size() && usual[j]->box.left <= box.right + reach * size; ++j)
            look_at(usual[j]->box);
        for (size_t j = i; j-- > 0 && usual[j]->box.left >= box.left - 2 * size;) look_at(usual[j]->box);
        if (beside == below) continue;
        ++all;
        across += beside < below ? 1 : 0;
    }
    return all < fewest_letters ? 1 : static_cast<float>(across) / static_cast<float>(all);
}

}  // namespace pg_ocr
