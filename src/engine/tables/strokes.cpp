#include "engine/tables/strokes.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

/// In inches. What is thicker is a bar, or ink of a picture; what is shorter may be of a letter.
constexpr double thickest = 0.035, shortest_across = 0.12, shortest_down = 0.13;
/// Of 255, by how much a line differs from what lies on both sides.
constexpr l_uint32 faintest = 24;
/// A stretch may lean by so much of its length.
constexpr double steepest = 0.1;
constexpr size_t most_strokes = 4000;

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

/// What is dark and, across the direction that is asked for, not wider than a line.
Pixels thin_ink(PIX* page, bool across, int32_t width) {
    const l_int32 down_size = across ? width : 1, across_size = across ? 1 : width;
    if (pixGetDepth(page) == 1) {
        Pixels thick = made(pixOpenBrick(nullptr, page, across_size, down_size));
        return made(pixSubtract(nullptr, page, thick.get()));
    }
    Pixels without = made(pixCloseGray(page, across_size, down_size));
    pixSubtractGray(without.get(), without.get(), page);
    Pixels bright = made(pixThresholdToBinary(without.get(), static_cast<l_int32>(faintest)));
    pixInvert(bright.get(), bright.get());
    return bright;
}

/// The middle of the ink in a column or row of a part, from its box's edge; -1 where it has none.
float middle_at(PIX* part, bool across, l_int32 place) {
    const l_int32 size = across ? pixGetHeight(part) : pixGetWidth(part);
    l_int32 sum = 0, count = 0;
    for (l_int32 i = 0; i < size; ++i) {
        l_uint32 ink = 0;
        pixGetPixel(part, across ? place : i, across ? i : place, &ink);
        if (ink == 0) continue;
        sum += i;
        ++count;
    }
    return count == 0 ? -1 : static_cast<float>(sum) / static_cast<float>(count);
}

Stroke stroke_of(PIX* runs, const BOX& box, bool across) {
    // An eighth in, where the ends are not frayed, and what leans has all its rows of pixels.
    BOX copy = box;
    Pixels part = made(pixClipRectangle(runs, &copy, nullptr));
    const l_int32 length = across ? box.w : box.h, inset = (length - 1) / 8;
    const float first = middle_at(part.get(), across, inset), last = middle_at(part.get(), across, length - 1 - inset);
    const float middle = static_cast<float>(across ? box.h : box.w) / 2;
    const auto extent = static_cast<float>(length), apart = static_cast<float>(std::max(1, length - 1 - 2 * inset));
    const float slope = first < 0 || last < 0 ? 0 : (last - first) / apart;
    const float begin = first < 0 ? middle : first - slope * static_cast<float>(inset);
    const float end = begin + slope * extent;
    const auto x = static_cast<float>(box.x), y = static_cast<float>(box.y);
    return across ? Stroke{x, y + begin, x + extent, y + end} : Stroke{x + begin, y, x + end, y + extent};
}

/// Along a line, pixels are found as runs of at least the length of the shortest line.
std::vector<Stroke> strokes_along(PIX* page, bool across, int32_t dpi) {
    const int32_t width = std::max(3, static_cast<int32_t>(thickest * dpi) | 1);
    const int32_t length = std::max(8, static_cast<int32_t>((across ? shortest_across : shortest_down) * dpi));
    Pixels thin = thin_ink(page, across, width);
    Pixels runs = made(pixOpenBrick(nullptr, thin.get(), across ? length : 1, across ? 1 : length));
    BOXA* boxes = pixConnCompBB(runs.get(), 8);
    std::vector<BOX> kept;
    for (l_int32 i = 0; boxes != nullptr && i < boxaGetCount(boxes); ++i) {
        BOX box{};
        boxaGetBoxGeometry(boxes, i, &box.x, &box.y, &box.w, &box.h);
        const l_int32 along = across ? box.w : box.h, aside = across ? box.h : box.w;
        if (aside <= width + steepest * along) kept.push_back(box);
    }
    boxaDestroy(&boxes);
    auto longer = [&](const BOX& a, const BOX& b) { return across ? a.w > b.w : a.h > b.h; };
    if (kept.size() > most_strokes) {
        std::nth_element(kept.begin(), kept.begin() + most_strokes, kept.end(), longer);
        kept.resize(most_strokes);
    }
    std::vector<Stroke> strokes;
    strokes.reserve(kept.size());
    for (const BOX& box : kept) strokes.push_back(stroke_of(runs.get(), box, across));
    return strokes;
}

}  // namespace

Strokes strokes_of(PIX* page, int32_t dpi) { return {strokes_along(page, true, dpi), strokes_along(page, false, dpi)}; }

}  // namespace pg_ocr
