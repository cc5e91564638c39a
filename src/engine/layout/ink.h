// What of a grey page is ink.
#pragma once

#include "engine/read/pixels.h"

namespace pg_ocr {

/// The page, 8 bits of grey without a colour map, in black and white: bit by bit what Tesseract makes of it by Otsu's
/// threshold over the whole page. The rarer of dark and bright is the ink, which is black. Throws std::bad_alloc.
Pixels ink_of(PIX* page);

/// The ink of a page in grey; of one in black and white, itself. Dark text on a grey ground, which the page's
/// threshold makes black, is told by the ground's own. Throws std::bad_alloc.
Pixels black_on_white(PIX* page);

}  // namespace pg_ocr
