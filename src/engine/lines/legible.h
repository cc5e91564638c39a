// Text told from what only looks like letters: parts of pictures, dirt, the edges of a scan.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/lines/components.h"
#include "engine/lines/rows.h"

namespace pg_ocr {

/// True where letters stand on a common line and are of like heights, as only text has it.
bool is_regular(const RowPiece&);

/// A few letters, as of a page number, that are of one height and stand on one line.
bool is_neat(const RowPiece&);

struct Legible {
    std::vector<RowPiece> pieces;  ///< from the top
    float x_height = 0;            ///< of most of the text; 0 where there is none
    uint32_t letters = 0;          ///< in pieces that are regular
    uint32_t dropped = 0;          ///< of about the size of letters, in pieces that were left out
};

/// Leaves out what is no text: what is irregular and stands by itself, in a picture, or among much of its kind.
Legible legible(std::vector<RowPiece> pieces, std::span<const Letter> pictures);

}  // namespace pg_ocr
