// Pieces of rows into lines, lines into blocks, blocks into the order in which they are read.
#pragma once

#include <span>
#include <vector>

#include "engine/lines/rows.h"

namespace pg_ocr {

/// Pieces that are read one after the other, from left to right: a line of a column, or a row of a table.
struct RowOfPieces {
    std::vector<RowPiece> pieces;  ///< never empty
    Box box;
    float baseline = 0, x_height = 0, ascent = 0;
};

struct BlockOfRows {
    std::vector<RowOfPieces> rows;  ///< from the top
    Box box;
};

/// Lines drawn on the page.
struct Ruling {
    std::vector<Box> rules;       ///< all of them
    std::vector<Box> partitions;  ///< those between columns
};

/// In reading order: columns from the left, each from its top; a table's rows one after the other.
std::vector<BlockOfRows> arranged(std::vector<RowPiece> pieces, const Ruling&, std::span<const Box> pictures);

}  // namespace pg_ocr
