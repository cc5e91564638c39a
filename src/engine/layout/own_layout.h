// A page's pixels into blocks, lines and words: found by our own layout or by Tesseract's, read by our own recogniser.
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

/// Who finds the lines: Tesseract, our own layout, or Tesseract where a page does not look as ours knows them. Ours
/// knows pages of any kind (psm 3) in Latin, Greek and Cyrillic letters.
enum class LinesBy : uint8_t { own_where_sure, own, tesseract };

/// As recognise_page() of tesseract_layout.h, with the models of the languages, the main one first; keeps the pixels,
/// and tells their ink; where it is told already, lines are looked for there. Throws TimeIsUp, std::bad_alloc.
Layout read_page(tesseract::TessBaseAPI&, const std::vector<const Model*>&, PageImage&, int32_t page_segmentation_mode,
                 std::chrono::steady_clock::time_point until, LinesBy = LinesBy::own_where_sure);

}  // namespace pg_ocr
