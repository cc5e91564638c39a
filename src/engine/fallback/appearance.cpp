#include "engine/fallback/appearance.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

namespace pg_ocr {
namespace {

struct Pieces {
    uint32_t all = 0;
    std::vector<int32_t> letter_heights;  ///< of those as high as what may be a letter on a page of that size
};

Pieces pieces_of(PIX* ink) {
    constexpr l_int32 smallest = 4;
    BOXA* boxes = pixConnCompBB(ink, 8);
    if (boxes == nullptr) throw std::bad_alloc();
    const l_int32 largest = std::max(pixGetHeight(ink) / 5, 40);
    Pieces pieces;
    pieces.all = static_cast<uint32_t>(boxaGetCount(boxes));
    for (l_int32 i = 0; i < boxaGetCount(boxes); ++i) {
        l_int32 width = 0, height = 0;
        boxaGetBoxGeometry(boxes, i, nullptr, nullptr, &width, &height);
        const bool has_shape = width <= 4 * height && height <= 8 * width;
        if (has_shape && height >= smallest && height <= largest) pieces.letter_heights.push_back(height);
    }
    boxaDestroy(&boxes);
    return pieces;
}

float median_of(std::vector<int32_t>& values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return static_cast<float>(*middle);
}

/// Leptonica looks at ascenders and descenders, of text of 150 to 300 dots per inch.
void find_turn(PIX* ink, Appearance& appearance) {
    constexpr float wanted_height = 18;
    constexpr l_int32 enough_ascenders = 15;
    constexpr float sure = 7, sure_to_be_first = 5;
    Pixels scaled;
    if (appearance.letter_height > 1.4f * wanted_height) {
        const float scale = wanted_height / appearance.letter_height;
        scaled.reset(pixScaleBinary(ink, scale, scale));
    } else if (appearance.letter_height < wanted_height / 1.4f && appearance.letter_height > wanted_height / 4) {
        constexpr float twice = 2;
        scaled.reset(pixScaleBinary(ink, twice, twice));
    } else {
        scaled.reset(pixClone(ink));
    }
    l_float32 up = 0, left = 0;
    if (!scaled || pixOrientDetect(scaled.get(), &up, &left, enough_ascenders, 0) != 0) return;
    const float most = std::max(std::abs(up), std::abs(left)), least = std::min(std::abs(up), std::abs(left));
    appearance.turn_is_sure = most > sure && most > sure_to_be_first * std::max(1.0f, least);
    if (std::abs(up) >= std::abs(left))
        appearance.turn = up >= 0 ? 0 : 180;
    else
        appearance.turn = left > 0 ? 90 : 270;
}

/// Greys of a small part of the page: each is darker than such a share of its pixels, or brighter.
struct Place {
    int32_t darkest, dark, middle, bright, brightest;
};

/// Of a page in 8 bits, side by side and below each other.
std::vector<Place> places_of(PIX* pixels) {
    constexpr l_int32 places = 24, samples = 16;
    const l_int32 width = pixGetWidth(pixels), height = pixGetHeight(pixels);
    const l_int32 across = std::max(width / places, 1), down = std::max(height / places, 1);
    std::vector<Place> found;
    std::vector<int32_t> greys;
    for (l_int32 top = 0; top + down <= height; top += down)
        for (l_int32 left = 0; left + across <= width; left += across) {
            greys.clear();
            for (l_int32 y = top; y < top + down; y += std::max(1, down / samples)) {
                const l_uint32* row = pixGetData(pixels) + static_cast<ptrdiff_t>(y) * pixGetWpl(pixels);
                for (l_int32 x = left; x < left + across; x += std::max(1, across / samples))
                    greys.push_back(GET_DATA_BYTE(row, x));
            }
            std::ranges::sort(greys);
            const auto at = [&](size_t twentieth) { return greys[greys.size() * twentieth / 20]; };
            found.push_back({at(1), at(2), at(10), at(18), at(19)});
        }
    return found;
}

/// From the paper's darkest place to its brightest.
float shading_of(const std::vector<Place>& places, bool is_dark) {
    if (places.size() < 4) return 0;
    std::vector<int32_t> paper;
    paper.reserve(places.size());
    for (const Place& place : places) paper.push_back(is_dark ? place.dark : place.bright);
    std::ranges::sort(paper);
    const int32_t dark = paper[paper.size() / 20], bright = paper[paper.size() - 1 - paper.size() / 20];
    return static_cast<float>(bright - dark) / 255;
}

/// Where something stands out from the paper, which is most of a place, it is most often brighter; however bright the
/// light makes black paper.
bool is_dark(const std::vector<Place>& places) {
    constexpr int32_t plain = 40;
    size_t white_on_black = 0, black_on_white = 0;
    for (const Place& place : places) {
        if (place.brightest - place.darkest < plain) continue;
        const bool is_bright = place.brightest - place.middle > place.middle - place.darkest;
        ++(is_bright ? white_on_black : black_on_white);
    }
    return white_on_black > black_on_white;
}

bool is_mostly_ink(PIX* bits) {
    constexpr float half = 0.5f;
    l_float32 dark = 0;
    return pixForegroundFraction(bits, &dark) == 0 && dark > half;
}

}  // namespace

Skew skew_of(PIX* ink) {
    constexpr l_int32 sweep_reduction = 4, search_reduction = 2;
    constexpr float range = 15, step = 1, precision = 0.02f;
    constexpr float least = 0.1f, confident = 3, sure = 5;
    constexpr l_int32 smallest = 100;
    if (std::min(pixGetWidth(ink), pixGetHeight(ink)) < smallest) return {};
    l_float32 degrees = 0, confidence = 0;
    if (pixFindSkewSweepAndSearch(ink, &degrees, &confidence, sweep_reduction, search_reduction, range, step,
                                  precision) != 0 ||
        confidence < confident || std::abs(degrees) < least)
        return {};
    return {degrees, confidence >= sure};
}

Light light_on(PIX* pixels) {
    if (pixGetDepth(pixels) != 8) return {0, is_mostly_ink(pixels)};
    const std::vector<Place> places = places_of(pixels);
    const bool dark = is_dark(places);
    return {shading_of(places, dark), dark};
}

Appearance appearance_of(const PageImage& image) {
    Appearance appearance;
    Pieces pieces = pieces_of(image.ink.get());
    appearance.pieces = pieces.all;
    appearance.letters = static_cast<uint32_t>(pieces.letter_heights.size());
    appearance.letter_height = median_of(pieces.letter_heights);
    appearance.skew = skew_of(image.ink.get());
    appearance.light = light_on(image.pixels.get());
    find_turn(image.ink.get(), appearance);
    return appearance;
}

}  // namespace pg_ocr
