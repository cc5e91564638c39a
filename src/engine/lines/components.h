// Connected ink of a page.
#pragma once

#include <allheaders.h>

#include <cstdint>
#include <vector>

#include "document/document.h"

namespace pg_ocr {

/// Ink whose pixels touch each other, also at their corners.
struct Component {
    Box box;
    int32_t pixels = 0;
    int32_t width() const { return box.right - box.left; }
    int32_t height() const { return box.bottom - box.top; }
};

/// Of a page of 1 bit, from the top, those that begin in one row from the left. Takes time in proportion to the page's
/// words of 32 pixels and the runs of ink in it. Throws std::bad_alloc.
std::vector<Component> components_of(PIX* ink);

}  // namespace pg_ocr
