// A page is read as it is; where that is not good enough, in other ways, and the best reading is kept.
//
// Each way is a change to how the best reading so far was made: a page that is read better turned round is then
// straightened as it lies. How many readings a page may cost is counted, not timed, so that a busy machine reads the
// same; only the page's limit of time ends the tries early.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "engine/fallback/ways.h"

namespace pg_ocr {

using Clock = std::chrono::steady_clock;

/// An image's pixels into text, with the treatment's segmentation and models; keeps the pixels, and tells their ink.
/// Throws TimeIsUp, std::bad_alloc, DocumentError.
using ReadImage = std::function<Layout(PageImage&, const Treatment&, Clock::time_point until)>;

/// What a page can be read with.
struct Means {
    std::function<PageImage()> image_of_page;  ///< as it is stored, upright as far as it says so; each time anew
    ReadImage read;
    bool has_best_models = false;  ///< for the request's languages
};

/// What came of reading the page in one way.
struct Try {
    std::string way;  ///< 'as it is' of the first
    float estimate = -1;
    uint32_t words = 0;
    int64_t ms = 0;
    bool won = false;
    std::string failure;  ///< why there is no reading; empty where there is one
};

struct BestReading {
    PageReading reading;
    std::vector<Try> tries;  ///< in their order; of one, it was read once
};

/// The page in that way; the image is left as it was read.
PageReading read_as(PageImage&, const Treatment&, const ReadImage&, Clock::time_point until);

/// Throws what the first reading throws; a later one that throws is a try that failed.
BestReading read_in_ways(const Means&, const ReadRequest&, Clock::time_point until);

/// As ocr.pages keeps it: [{"way": "as it is", "confidence": 71.4, "words": 12, "ms": 180}, …], with "won": true for
/// the one that was kept, and "error" for one that failed; empty where the page was read once.
std::string tried_json(const std::vector<Try>&);

}  // namespace pg_ocr
