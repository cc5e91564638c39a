// A page's pixels into blocks, lines and words, by Tesseract.
#pragma once

#include <chrono>

#include "document/document.h"
#include "engine/read/reader.h"

namespace tesseract {
class TessBaseAPI;
}

namespace pg_ocr {

/// page_segmentation_mode is Tesseract's psm. Empty when the page shows no text. Keeps the pixels, and tells their ink;
/// where it is told already, that is what is read. Throws TimeIsUp (page_in_tesseract.h) soon after `until`, which is
/// looked at between two lines of text, and DocumentError engine_memory when Tesseract gives nothing at all.
Layout recognise_page(tesseract::TessBaseAPI&, PageImage&, int32_t page_segmentation_mode,
                      std::chrono::steady_clock::time_point until);

}  // namespace pg_ocr
