// Whether all that is to be seen of a PDF's page is one image.
#pragma once

#include <optional>

#include "engine/pdf/affine.h"
#include "engine/pdf/open_qpdf.h"

namespace pg_ocr {

struct PlacedImage {
    QPDFObjectHandle image;
    Affine to_page;  ///< from the unit square, the image's lower left corner at 0, to the page's points
};

/// The image that the page shows, within the box, on white paper, and nothing else: no other image, no line, no text
/// but what is invisible or hidden under it. Nothing where there is any doubt: about how it is drawn, what clips it,
/// what becomes of its colours on the way, or about the content itself.
std::optional<PlacedImage> only_image_on(QPDFPageObjectHelper& page, const Rectangle& box);

/// The stream's bytes with its filters undone; nothing where they are more, or cannot be had. Throws QPDFExc.
std::optional<std::string> decoded_stream(QPDFObjectHandle stream, size_t at_most);

}  // namespace pg_ocr
