// Line images cut from a page that is on a card: what each is made of is worked out here, the pixels in page_lines.cuh.
#pragma once

#include <cstdint>

#include "cuda/card_page.h"
#include "document/document.h"

namespace pg_ocr {

/// What is to be cut out, as line_image_of() has it.
struct LineToCut {
    Box crop;
    int32_t quarter_turns = 0;
    float slope = 0;
    uint32_t height = 0;  ///< of the image
};

enum class LineScaling : uint8_t { none, areas, neighbours };

enum class CutBy : uint8_t {
    card,
    cpu,     ///< Leptonica has a way of its own for the factor, or the line is higher than the card's room for one
    nobody,  ///< it is empty
};

/// How a line's image is made. The part of the page that it shows is taken as if it were upright.
struct LineCut {
    CutBy by = CutBy::nobody;
    LineScaling scaling = LineScaling::none;
    uint32_t sharpened_around = 0;  ///< half of a square's side, its middle left out
    uint32_t first_pixel = 0;       ///< of the part, counted along the page's rows with what lies behind their ends
    int32_t to_right = 0;           ///< from a pixel to the next one of the part, counted so
    int32_t to_below = 0;
    uint32_t columns = 0, rows = 0;      ///< of the part
    int32_t first_row = 0, end_row = 0;  ///< of the page, counted from the part's first; what leans out is white
    float slope = 0;
    uint32_t width = 0, height = 0;  ///< of the image
    uint32_t first_tile = 0;         ///< that the card makes of it, among those of all lines
    uint32_t image = 0;              ///< where its pixels begin, row by row, among those of all lines
};

/// Without where it comes among others. Only the page's measures are looked at.
LineCut line_cut_of(const CardPage&, const LineToCut&);

/// Sides of what a block makes at once: so many columns of so many rows, or less.
inline constexpr uint32_t tile_columns = 64, most_line_rows = 64;

inline uint32_t tiles_of(const LineCut& cut) {
    return cut.by == CutBy::card ? (cut.width + tile_columns - 1) / tile_columns : 0;
}

}  // namespace pg_ocr
