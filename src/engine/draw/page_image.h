// Pages as images for people to look at, in the coordinates of the layout that was read from them.
#pragma once

#include <functional>

#include "engine/read/reader.h"
#include "protocol/message.h"

namespace pg_ocr {

/// Of pictures that are kept with a page: fine enough to read its small print.
inline constexpr int32_t dpi_of_kept_pictures = 150;

/// A page's pixels of so many dots per inch, 1 or 8 bits deep, as a JPEG or PNG file in grey, whichever is smaller: in
/// dpi_of_kept_pictures, or less where the page has less or would have too many pixels. Throws std::bad_alloc.
std::string picture_of(Pixels, int32_t dpi);

/// The page of the view, upright and straight as it was read, in grey, as a JPEG or PNG file, whichever is smaller: in
/// the request's dots per inch, or less where the page was read in less or would have too many pixels. A box of the
/// layout, multiplied by the image's width / view.width, is where the image has it. The reader has been opened with
/// `asked`, and is asked for a PDF's page in the dots per inch that `asked` is given meanwhile.
/// Throws DocumentError page_damaged, page_too_large, engine_memory, or document_damaged where the document is not the
/// one that was read; std::bad_alloc.
Drawn draw_page(Reader&, const PageView&, int32_t dpi, ReadRequest& asked);

/// Each page of the request, in its order; what is wrong with one is told as its failure.
/// Throws DocumentError when the document cannot be opened.
void draw_document(const uint8_t* data, size_t size, const DrawRequest&, const std::function<void(const Drawn&)>&);

}  // namespace pg_ocr
