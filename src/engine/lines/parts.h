// A page's ink sorted: what may be letters, what are ruling lines, and the rest.
#pragma once

#include <allheaders.h>

#include <cstdint>
#include <vector>

#include "engine/lines/components.h"

namespace pg_ocr {

struct PageParts {
    int32_t size = 0;                 ///< height of the median letter; 0 where the page has none
    std::vector<Component> letters;   ///< and parts of them, dots, marks: all that text may be made of
    std::vector<Box> rules;           ///< thin lines across or down the page
    std::vector<Box> partitions;      ///< of them, those down the page that are no lines of a table
    std::vector<Component> pictures;  ///< too large for letters
};

/// Of a page in black and white. Letters that touch a ruling line are told without it; white letters on a black ground
/// are letters as well. Throws std::bad_alloc.
PageParts parts_of(PIX* ink);

}  // namespace pg_ocr
