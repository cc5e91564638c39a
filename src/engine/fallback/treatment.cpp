#include "engine/fallback/treatment.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <numbers>

#include "engine/layout/ink.h"
#include "engine/read/turn.h"

namespace pg_ocr {
namespace {

/// Takes what a leptonica call made; it gives nothing only when memory is short.
Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

Pixels in_grey(Pixels pixels) {
    return pixGetDepth(pixels.get()) == 8 ? std::move(pixels) : made(pixConvertTo8(pixels.get(), 0));
}

/// Each pixel as a share of its background, which is the brightest nearby: a closing over more than a letter's strokes.
Pixels evened(Pixels pixels) {
    constexpr l_int32 reduction = 4, closing = 17, white = 240;
    constexpr l_int32 smallest = 2 * reduction * closing;
    pixels = in_grey(std::move(pixels));
    if (std::min(pixGetWidth(pixels.get()), pixGetHeight(pixels.get())) < smallest) return pixels;
    return made(pixBackgroundNormMorph(pixels.get(), nullptr, reduction, closing, white));
}

Pixels straightened(Pixels pixels, float degrees) {
    const float radians = degrees * std::numbers::pi_v<float> / 180;
    pixels = in_grey(std::move(pixels));
    return made(pixRotate(pixels.get(), radians, L_ROTATE_AREA_MAP, L_BRING_IN_WHITE, 0, 0));
}

Pixels enlarged(Pixels pixels, float factor) {
    pixels = in_grey(std::move(pixels));
    return made(pixScale(pixels.get(), factor, factor));
}

/// By Sauvola's threshold. Where the page is too small for its windows, by one threshold.
Pixels local_ink(PIX* grey, int32_t dpi) {
    constexpr float deviation_counts = 0.34f;
    constexpr double window_in_inches = 0.08;
    constexpr l_int32 tile = 1000;
    const l_int32 half = std::clamp(static_cast<l_int32>(dpi * window_in_inches), 7, 60);
    const l_int32 width = pixGetWidth(grey), height = pixGetHeight(grey);
    if (std::min(width, height) < 2 * half + 3) return black_on_white(grey);
    PIX* ink = nullptr;
    pixSauvolaBinarizeTiled(grey, half, deviation_counts, std::max(1, width / tile), std::max(1, height / tile),
                            nullptr, &ink);
    return made(ink);
}

}  // namespace

PageImage treated(PageImage image, const Treatment& treatment) {
    Pixels& pixels = image.pixels;
    image.ink.reset();
    pixels = turned(std::move(pixels), {false, treatment.turn});
    image.rotation = (image.rotation + treatment.turn) % 360;
    if (treatment.inverted) pixInvert(pixels.get(), pixels.get());
    if (treatment.evened) pixels = evened(std::move(pixels));
    if (treatment.skew != 0) pixels = straightened(std::move(pixels), treatment.skew);
    if (treatment.enlarged > 1) {
        pixels = enlarged(std::move(pixels), treatment.enlarged);
        image.dpi = static_cast<int32_t>(std::lround(static_cast<float>(image.dpi) * treatment.enlarged));
    }
    if (treatment.local && pixGetDepth(pixels.get()) == 8) image.ink = local_ink(pixels.get(), image.dpi);
    return image;
}

Treatment in_page_pixels(const Treatment& treatment) {
    Treatment same = treatment;
    same.enlarged = 1;
    same.local = false;
    return same;
}

float possible_enlargement(float wanted, int32_t width, int32_t height, const Limits& limits) {
    float most = std::min(wanted, static_cast<float>(longest_side - 1) / static_cast<float>(std::max(width, height)));
    const double pixels = static_cast<double>(width) * height;
    if (limits.page_pixels != 0)
        most = std::min(most, static_cast<float>(std::sqrt(static_cast<double>(limits.page_pixels) / pixels)));
    return std::max(most, 1.0f);
}

void map_back(Layout& layout, const Treatment& treatment, int32_t width, int32_t height) {
    if (treatment.enlarged <= 1) return;
    const auto back = [&](int32_t at, int32_t most) {
        return std::clamp(static_cast<int32_t>(std::lround(static_cast<float>(at) / treatment.enlarged)), 0, most);
    };
    const auto map = [&](Box& box) {
        box = {back(box.left, width), back(box.top, height), back(box.right, width), back(box.bottom, height)};
    };
    for (Block& block : layout.blocks) {
        map(block.box);
        for (Line& line : block.lines) {
            map(line.box);
            for (Word& word : line.words) map(word.box);
        }
    }
}

}  // namespace pg_ocr
