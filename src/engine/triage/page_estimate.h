// How many of a page's words are right: an estimate by what is known once the page was read, without the truth. The
// measure is the share of right words in the longer of what was read and what is on the page, in whatever order; so
// words that were missed count as wrong as well.
#pragma once

#include <allheaders.h>

#include <cstdint>

#include "document/document.h"

namespace pg_ocr {

/// What tells good pages from bad ones. Of words, only those with a letter or a digit. Shares are from 0 to 1.
struct PageSigns {
    uint32_t words = 0;
    double certainty = 0;     ///< mean of their confidences, each word counted once, as a share of 100
    uint32_t doubtful = 0;    ///< those of a confidence below 70
    uint32_t long_words = 0;  ///< those of three letters and more
    uint32_t familiar = 0;    ///< … that are in the dictionary
    double unread = 0;        ///< of what is as large as letters, the share on which no word lies
    double dark = 0;          ///< of the page, the share that is ink on which no word lies: a picture, a shadow
};

/// Of a page that was recognised, and its ink, in whose pixels the boxes of the layout are. Throws std::bad_alloc.
PageSigns signs_of(const Layout&, PIX* ink);

/// Of 100 words, how many are right: 0 to 100, higher for each sign that is better. A page without any word that counts
/// is as bad as can be told.
float estimate_of(const PageSigns&);

/// The same of a page with a text layer, by the share of what looks like text on which no word of the layer lies.
float estimate_of_text_layer(float uncovered);

}  // namespace pg_ocr
