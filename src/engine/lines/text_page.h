// Our own layout: a page's blocks of text from its ink alone.
#pragma once

#include <allheaders.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/layout/line_images.h"

namespace pg_ocr {

struct TextPage {
    std::vector<TextBlock> blocks;  ///< in reading order
    bool runs_down = false;         ///< its lines run down the page, or up: there are no blocks then
    std::string doubt;              ///< why it may be wrong; empty where it is sure
};

/// Of a page in black and white, in a script that runs from left to right, read as it is when turned clockwise so
/// often. Boxes are of the page as it is given. Throws std::bad_alloc.
TextPage text_page_of(PIX* ink, int32_t quarter_turns = 0);

}  // namespace pg_ocr
