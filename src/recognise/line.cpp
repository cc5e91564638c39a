#include "recognise/line.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace pg_ocr::recognise {
namespace {

using Histogram = std::array<uint32_t, 256>;

/// The value below which so large a part of the counts lies; within a value, evenly spread.
double quantile(const Histogram& counts, double part) {
    const auto total = std::accumulate(counts.begin(), counts.end(), uint32_t{0});
    const double target = std::clamp(part * total, 1.0, static_cast<double>(total));
    size_t value = 0;
    uint32_t below = 0;
    while (value < counts.size() && below < target) below += counts[value++];
    if (value == 0) return 0;
    return static_cast<double>(value) - (below - target) / counts[value - 1];
}

}  // namespace

Contrast contrast_of(const uint8_t* pixels, uint32_t width, uint32_t height) {
    Histogram darkest{};
    Histogram brightest{};
    bool any_dark = false;
    bool any_bright = false;
    if (width >= 3) {
        const uint8_t* row = pixels + size_t{height / 2} * width;
        for (uint32_t x = 1; x + 1 < width; ++x) {
            const uint8_t before = row[x - 1], here = row[x], after = row[x + 1];
            if ((here < before && here <= after) || (here <= before && here < after)) {
                ++darkest[here];
                any_dark = true;
            }
            if ((here > before && here >= after) || (here >= before && here > after)) {
                ++brightest[here];
                any_bright = true;
            }
        }
    }
    if (!any_dark) ++darkest[0];
    if (!any_bright) ++brightest[255];
    Contrast contrast;
    contrast.black = static_cast<float>(quantile(darkest, 0.25));
    const auto white = static_cast<float>(quantile(brightest, 0.75));
    contrast.half = (white - contrast.black) / 2;
    if (contrast.half <= 0) contrast.half = 1;
    return contrast;
}

}  // namespace pg_ocr::recognise
