// The text that a PDF's page carries with it: its words, whether they are sound, and their order.
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "engine/read/pixels.h"

namespace poppler {
class page;
}

namespace pg_ocr {

/// A word of the layer, in points from the top left of the page as it is shown; they are finite numbers.
struct LayerWord {
    std::string text;  ///< UTF-8
    double left = 0, top = 0, right = 0, bottom = 0;
    int32_t turn = 0;        ///< quarter turns clockwise by which its line is turned
    float confidence = 100;  ///< 0 to 100
};

/// In reading order; empty when the page has no words.
std::vector<LayerWord> layer_words(const poppler::page&);

/// Whether the words are none: what fonts without a usable map to Unicode give.
bool is_garbled(const std::vector<LayerWord>&);

/// How the words account for the text that is to be seen on the page: not soundly for a scan with a stamp on it. The
/// page is given in 8-bit grey at the resolution.
struct Coverage {
    bool is_sound = false;
    float uncovered = 0;  ///< of what looks like text, the share without words: 0 to 1
};
Coverage coverage_of(const std::vector<LayerWord>&, PIX* page, int32_t dpi);

/// Words gathered to lines and blocks, in pixels at the resolution; what lies outside the page is left out.
Layout layout_of(const std::vector<LayerWord>&, int32_t dpi, const Box& page);

}  // namespace pg_ocr
