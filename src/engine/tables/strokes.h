// Ruling lines in a page's pixels.
#pragma once

#include <allheaders.h>

#include <cstdint>
#include <vector>

namespace pg_ocr {

/// The middle of a thin straight stretch of ink, from its left or upper end to the other. In pixels.
struct Stroke {
    float x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

struct Strokes {
    std::vector<Stroke> across, down;
};

/// Of a page of 1 bit (black is ink) or 8 bits of grey, of which also faint lines count. The longest ones, where there
/// are more than a page of tables has. Throws std::bad_alloc.
Strokes strokes_of(PIX* page, int32_t dpi);

}  // namespace pg_ocr
