// A page's pixels into the line images that a network reads: layout by Tesseract's public interface, images cut and
// scaled as Tesseract cuts and scales them.
#pragma once

#include <allheaders.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "document/document.h"
#include "recognise/line.h"

namespace tesseract {
class TessBaseAPI;
}

namespace pg_ocr {

/// What the network reads at once: a line, or a part of one where a wide gap, a row of dots or a big letter ends it.
/// Boxes are in pixels of the page.
struct LineUnit {
    Box box;                  ///< around all of it
    std::optional<Box> ink;   ///< without the specks that lie above or below; nothing where all of it is specks
    Box crop;                 ///< what is cut out; never empty
    std::vector<Box> blobs;   ///< connected ink, from the unit's left to its right; what the boxes of words are made of
    std::vector<Box> specks;  ///< ink beside the blobs: what the layout took for noise, or for dots of letters
    std::vector<Box> words;   ///< into which the layout parted it, which may be one; none where it is a word by itself
    bool has_whole_letters = false;  ///< see recognise::LineLayout
    float slope = 0;  ///< pixels down for each to the right: so the crop leans, its middle is where its box's is
};

struct LineOfUnits {
    std::vector<LineUnit> units;  ///< from left to right; never empty
};

struct TextBlock {
    int32_t quarter_turns = 0;  ///< clockwise, that make its crops upright: 0 to 3
    std::vector<LineOfUnits> lines;
};

/// The page's blocks of text in reading order; none where it shows no text. The page is set, with its resolution. The
/// mode is Tesseract's psm: 1 or 3 to 13.
std::vector<TextBlock> text_blocks_of(tesseract::TessBaseAPI&, int32_t page_segmentation_mode);

/// Of a unit in a block turned so often: what is cut out of the page, upright and scaled to the network's height. Empty
/// where it comes out too flat or too narrow to be an image. The page is in grey or, if it came so, in black and white.
/// Throws std::bad_alloc.
recognise::LineImage line_image_of(PIX* page, const LineUnit&, int32_t quarter_turns, uint32_t height);

/// White on black, as which a line is read again where the first reading is poor.
recognise::LineImage inverted(const recognise::LineImage&);

/// Pixels of the page for a pixel of the line's image.
float page_pixels_of(const LineUnit&, int32_t quarter_turns, uint32_t height);

}  // namespace pg_ocr
