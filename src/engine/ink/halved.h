// A page's ink in half its resolution.
#pragma once

#include <cstdint>

#include "engine/read/pixels.h"

namespace pg_ocr {

/// Of pixels 1 bit deep, each square of 2 x 2 as one pixel, black where `rank` of the four are, 1 to 4: 1 keeps thin
/// strokes, 2 their width, 3 and 4 leave out specks. Half as wide and high, rounded down, but one pixel at least; with
/// half the resolution. Throws std::bad_alloc, or std::invalid_argument for another depth or rank.
Pixels halved(PIX* ink, uint32_t rank);

}  // namespace pg_ocr
