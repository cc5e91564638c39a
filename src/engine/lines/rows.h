// Letters side by side: pieces of the rows that a page's text stands in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/lines/components.h"

namespace pg_ocr {

/// A part of the ink, on the page made level: moved as the page is turned about its top left corner.
struct Letter {
    Box box;
    Box on_page;  ///< where it is on the page as it is given
    int32_t pixels = 0;
    int32_t width() const { return box.right - box.left; }
    int32_t height() const { return box.bottom - box.top; }
    int32_t centre() const { return (box.left + box.right) / 2; }
};

/// Where a box comes to lie when a page that leans so is made level; its size is kept.
Box levelled(const Box&, double slope);
std::vector<Letter> levelled(std::span<const Component>, double slope);

/// Letters from left to right with no gap between them in which a column may end; all of it on the page made level.
struct RowPiece {
    std::vector<Letter> letters;
    Box box;
    float baseline = 0;    ///< y
    float x_height = 0;    ///< of small letters; where there are none, what it would be
    float ascent = 0;      ///< from the baseline up to the tops of high letters
    float pitch = 0;       ///< from letter to letter where all are as wide, as a typewriter's; else 0
    bool is_high = false;  ///< shows no letters of x-height: figures or capitals, most likely
    int32_t left() const { return box.left; }
    int32_t right() const { return box.right; }
};

/// The pieces of a page, from the top. Where a piece has no baseline to be seen, as a lone comma, it is
/// part of a row beside it, or of none.
std::vector<RowPiece> pieces_of(std::vector<Letter>);

/// True where both are of one typewriter's letters, as far as can be told: a line of code, or what was printed by a
/// program, in which white is so many spaces.
bool are_of_one_pitch(const RowPiece&, const RowPiece&);

/// True where a piece is, on both sides of a letter's left edge.
bool is_of_one_pitch(const RowPiece&, size_t first_behind);

/// Measures a piece anew by its letters, which are put in order. Has at least one.
void measure(RowPiece&);

}  // namespace pg_ocr
