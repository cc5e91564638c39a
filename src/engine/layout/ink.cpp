#include "engine/layout/ink.h"

#include <array>
#include <cstdint>
#include <new>

#include "engine/ink/ink_kernels.h"

namespace pg_ocr {
namespace {

using Histogram = std::array<uint32_t, 256>;

PixelRows rows_of(PIX* page) {
    return {pixGetData(page), static_cast<size_t>(pixGetWpl(page)), static_cast<size_t>(pixGetWidth(page)),
            static_cast<size_t>(pixGetHeight(page))};
}

Histogram histogram_of(PIX* page) {
    Histogram counts{};
    best_ink_kernels().count_greys(rows_of(page), counts.data());
    return counts;
}

struct Threshold {
    uint8_t darkest_bright = 0;
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
        best = {static_cast<uint8_t>(grey + 1), dark < bright};
    }
    return best;
}

}  // namespace

Pixels ink_of(PIX* page) {
    const Threshold threshold = threshold_of(histogram_of(page));
    Pixels ink(pixCreateNoInit(pixGetWidth(page), pixGetHeight(page), 1));
    if (!ink) throw std::bad_alloc();
    pixCopyResolution(ink.get(), page);
    best_ink_kernels().find_ink(rows_of(page), threshold.darkest_bright, !threshold.ink_is_dark, pixGetData(ink.get()),
                                static_cast<size_t>(pixGetWpl(ink.get())));
    return ink;
}

Pixels black_on_white(PIX* page) { return pixGetDepth(page) == 1 ? Pixels(pixClone(page)) : ink_of(page); }

}  // namespace pg_ocr
