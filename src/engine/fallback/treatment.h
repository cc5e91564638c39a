// What is done to a page's image before it is read, as a value: the stored page stays as it is, and each reading of it
// begins there.
#pragma once

#include <cstdint>

#include "document/document.h"
#include "engine/layout/own_layout.h"
#include "engine/read/reader.h"

namespace pg_ocr {

/// The recogniser's models.
enum class ModelKind : uint8_t { usual, best };

/// In the order of its fields.
struct Treatment {
    int32_t turn = 0;  ///< degrees clockwise: 0, 90, 180 or 270
    bool inverted = false;
    bool evened = false;  ///< background made white, so that a shadow is not ink
    float skew = 0;       ///< degrees clockwise about the centre; what comes in at the corners is white
    float enlarged = 1;   ///< so many times in both directions, 1 to 4
    bool local = false;   ///< ink told from paper by each place's surroundings, and not by one threshold
    int32_t page_segmentation_mode = 3;
    ModelKind models = ModelKind::usual;
    LinesBy lines_by = LinesBy::own_where_sure;  ///< with our own recogniser
    bool operator==(const Treatment&) const = default;
};

/// The page's image as it is to be read. Of one in black and white, grey is made where a way needs it. Throws
/// std::bad_alloc.
PageImage treated(PageImage, const Treatment&);

/// The same without what changes the size: the image in whose pixels the boxes are.
Treatment in_page_pixels(const Treatment&);

/// How often a page of that size can be enlarged so that its pixels are within the limit (0: none) and its sides within
/// what Tesseract addresses: at most as wanted, at least 1.
float possible_enlargement(float wanted, int32_t width, int32_t height, const Limits&);

/// Of boxes in the image as it was read, to those of the page turned and straightened: width × height pixels.
void map_back(Layout&, const Treatment&, int32_t width, int32_t height);

}  // namespace pg_ocr
