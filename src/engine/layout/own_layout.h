// A page's pixels into blocks, lines and words: found by Tesseract's layout, read by our own recogniser.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "document/document.h"
#include "engine/layout/models.h"
#include "engine/read/reader.h"

namespace tesseract {
class TessBaseAPI;
}

namespace pg_ocr {

/// Who finds the lines: Tesseract, our own layout, or Tesseract where ours has doubts.
enum class LinesBy : uint8_t { own_where_sure, own, tesseract };

/// As recognise_page() of tesseract_layout.h, with the models of the languages, the main one first; keeps the pixels,
/// and tells their ink; where it is told already, lines are looked for there. Throws TimeIsUp, std::bad_alloc.
Layout read_page(tesseract::TessBaseAPI&, const std::vector<const Model*>&, PageImage&, int32_t page_segmentation_mode,
                 std::chrono::steady_clock::time_point until, LinesBy = LinesBy::tesseract);

}  // namespace pg_ocr
