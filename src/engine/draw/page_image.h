// Pages as images for people to look at, in the coordinates of the layout that was read from them.
#pragma once

#include <functional>

#include "engine/read/reader.h"
#include "protocol/message.h"

namespace pg_ocr {

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
