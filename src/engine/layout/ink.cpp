#include "engine/layout/ink.h"

#include <array>
#include <cstdint>
#include <new>

namespace pg_ocr {
namespace {

using Histogram = std::array<uint32_t, 256>;

Histogram histogram_of(PIX* page) {
    // Four, since neighbours are often alike, and an addition would wait for the one before.
    std::array<Histogram, 4> counts{};
    const auto width = static_cast<size_t>(pixGetWidth(page)), height = static_cast<size_t>(pixGetHeight(page));
    const auto words_in_row = static_cast<size_t>(pixGetWpl(page));
    for (size_t y = 0; y < height; ++y) {
        const l_uint32* row = pixGetData(page) + y * words_in_row;
        for (size_t word = 0; word < width / 4; ++word) {
            ++counts[0][row[word] >> 24];
            ++counts[1][row[word] >> 16 & 0xff];
            ++counts[2][row[word] >> 8 & 0xff];
            ++counts[3][row[word] & 0xff];
        }
        for (size_t x = width / 4 * 4; x < width; ++x) ++counts[0][row[x / 4] >> (24 - x % 4 * 8) & 0xff];
    }
    for (size_t grey = 0; grey < counts[0].size(); ++grey)
        counts[0][grey] += counts[1][grey] + counts[2][grey] + counts[3][grey];
    return counts[0];
}

struct Threshold {
    int32_t darkest_bright = 0;
    bool ink_is_dark = true;
};

/// Where the means of dark and bright are farthest apart, each weighted by its pixels; the darkest of such places. On a
/// page of one grey, nothing is ink.
Threshold threshold_of(const Histogram& histogram) {
    double all = 0, all_grey = 0;
    for (size_t grey = 0; grey < histogram.size(); ++grey) {
        all += histogram[grey];
        all_grey += static_cast<double>(grey) * histogram[grey];
    }
    Threshold best;
    double farthest = -1, dark = 0, dark_grey = 0;
    for (size_t grey = 0; grey + 1 < histogram.size(); ++grey) {
        dark += histogram[grey];
        dark_grey += static_cast<double>(grey) * histogram[grey];
        const double bright = all - dark;
        if (dark == 0) continue;
        if (bright == 0) break;
        const double apart = (all_grey - dark_grey) / bright - dark_grey / dark;
        const double variance = apart * (apart * dark * bright);
        if (variance <= farthest) continue;
        farthest = variance;
        best = {static_cast<int32_t>(grey) + 1, dark < bright};
    }
    return best;
}

}  // namespace

Pixels ink_of(PIX* page) {
    const Threshold threshold = threshold_of(histogram_of(page));
    Pixels ink(pixThresholdToBinary(page, threshold.darkest_bright));
    if (!ink) throw std::bad_alloc();
    if (!threshold.ink_is_dark) pixInvert(ink.get(), ink.get());
    return ink;
}

Pixels black_on_white(PIX* page) { return pixGetDepth(page) == 1 ? Pixels(pixClone(page)) : ink_of(page); }

}  // namespace pg_ocr
