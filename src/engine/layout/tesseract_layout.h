// A page's pixels into blocks, lines and words, by Tesseract.
#pragma once

#include "document/document.h"
#include "engine/read/reader.h"

namespace tesseract {
class TessBaseAPI;
}

namespace pg_ocr {

/// page_segmentation_mode is Tesseract's psm. Empty when the page shows no text. Frees the pixels as soon as Tesseract
/// has its own copy. Throws DocumentError engine_memory when Tesseract gives nothing at all.
Layout recognise_page(tesseract::TessBaseAPI&, PageImage&, int32_t page_segmentation_mode);

}  // namespace pg_ocr
