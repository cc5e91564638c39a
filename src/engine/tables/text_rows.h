// A page's words as rows of chunks: what stands side by side, parted by more than a space.
#pragma once

#include <vector>

#include "engine/tables/sheet.h"

namespace pg_ocr {

/// Words of one row with no more than spaces between them.
struct Chunk {
    Box box;
    std::vector<uint32_t> words;  ///< of the sheet's, from left to right
    bool is_prose = false;        ///< of running text: no table reaches over it
};

struct TextRow {
    int32_t top = 0, bottom = 0;
    std::vector<Chunk> chunks;  ///< from left to right
};

/// Of each of the sheet's lines, whether it is of running text: several such lines under each other, and the ends of
/// their paragraphs.
std::vector<bool> lines_of_prose(const Sheet&);

/// Of some of the sheet's words, the rows from the top of the page to its foot. `prose` may be empty: no line is.
std::vector<TextRow> text_rows_of(const Sheet&, std::vector<uint32_t> words, const std::vector<bool>& prose);

/// A part of the page's rows: which chunks of them.
struct RowPart {
    int32_t top = 0, bottom = 0;
    std::vector<const Chunk*> chunks;  ///< from left to right
};

}  // namespace pg_ocr
