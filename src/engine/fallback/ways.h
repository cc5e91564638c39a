// The ways of reading a page again, and which of them are worth a try on a page that looks like this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "document/document.h"
#include "engine/fallback/appearance.h"
#include "engine/fallback/treatment.h"
#include "engine/triage/page_estimate.h"

namespace pg_ocr {

/// One reading of a page.
struct PageReading {
    Treatment treatment;
    Layout layout;  ///< in pixels of the page turned and straightened
    int32_t width = 0, height = 0, dpi = 0, rotation = 0;
    uint32_t words = 0;
    float mean_confidence = -1;  ///< as Page has it
    float estimate = -1;         ///< of 100 words, how many are right; negative: no word
    PageSigns signs;
};

struct Way {
    std::string name;  ///< 'turned by 180', 'straightened', …
    Treatment treatment;
    float margin = 1;             ///< by which its estimate has to be better
    bool even_if_enough = false;  ///< the image asks for it so plainly that a good estimate is no reason against it
    bool makes_level = false;     ///< lines that run up or down the page become level: wins where it reads no worse
};

/// The ways that may read the page better than the reading at hand did, the most promising first, by what its image
/// looks like. has_best_models: they are installed for the request's languages.
std::vector<Way> ways_for(const PageReading&, const Appearance&, const ReadRequest&, bool has_best_models);

/// The same of a reading that is good enough, whose lines our own layout found however they lean: what it may have
/// missed all the same, in a shadow.
std::vector<Way> ways_for_good(const PageReading&, const Light&, const ReadRequest&);

/// Where few words that our own layout found seem right: to read the page by the lines that Tesseract's finds. Lines of
/// columns side by side it mixes up more often than ours does.
std::optional<Way> other_lines_for(const PageReading&);

/// Degrees clockwise that make most of the lines level, from left to right as they were read: 0, 90 or 270.
int32_t turn_of_lines(const Layout&);

/// True where prose stands side by side, so that lines across the page would mix up what is read after each other. A
/// receipt's prices beside its items are no prose.
bool has_columns_of_prose(const Layout&);

}  // namespace pg_ocr
