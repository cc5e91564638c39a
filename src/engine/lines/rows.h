// Letters side by side: pieces of the rows that a page's text stands in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/lines/components.h"

namespace pg_ocr {

/// Letters from left to right with no gap between them in which a column may end. What is measured down the page is
/// measured level: y less slope * x.
struct Piece {
    std::vector<Component> letters;
    Box box;
    float baseline = 0;    ///< level y
    float x_height = 0;    ///< of small letters; where there are none, what it would be
    float ascent = 0;      ///< from the baseline up to the tops of high letters
    bool is_high = false;  ///< shows no letters of x-height: figures or capitals, most likely
    int32_t left() const { return box.left; }
    int32_t right() const { return box.right; }
};

/// The pieces of a page that leans so, from the top. Where a piece has no baseline to be seen, as a lone comma, it is
/// part of a row beside it, or of none.
std::vector<Piece> pieces_of(std::span<const Component> letters, double slope);

/// Measures a piece anew by its letters, which are put in order. Has at least one.
void measure(Piece&, double slope);

}  // namespace pg_ocr
