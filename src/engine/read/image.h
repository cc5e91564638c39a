// Images of every kind as documents of one page, TIFF of many.
#pragma once

#include <memory>

#include "engine/read/reader.h"

namespace pg_ocr {

/// Of an animation the first frame is the page. Throws DocumentError document_damaged when a TIFF has no page.
std::unique_ptr<Reader> open_image(DocumentType, Bytes, const ReadRequest&);

}  // namespace pg_ocr
