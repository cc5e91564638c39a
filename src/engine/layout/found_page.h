// A page as Tesseract's public layout tells of it, before anything is cut out.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/layout/baseline.h"
#include "engine/layout/line_images.h"

namespace tesseract {
class TessBaseAPI;
}

namespace pg_ocr {

struct PageLine {
    int32_t x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

/// A line as Tesseract tells of it, before it is known how its block is turned.
struct FoundLine {
    float height = 0;  ///< from descenders to ascenders
    float x_height = 0, ascenders = 0, descenders = 0;
    std::vector<LineUnit> units;  ///< without crops
    std::vector<PageLine> unit_baselines;
    std::vector<std::vector<RowBlob::Column>> columns;  ///< of each blob of the units, y upwards from the blob's top
};

struct FoundBlock {
    std::vector<FoundLine> lines;
};

/// The blocks of text in reading order. The page and the mode are set.
std::vector<FoundBlock> found_blocks(tesseract::TessBaseAPI&);

}  // namespace pg_ocr
