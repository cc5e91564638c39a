// The estimate. On a page of text the median height of the connected components is close to the height of a letter
// without ascenders (x-height): most letters have none, and the dots and commas on the one side are about as many as
// the capitals and ascenders on the other. Body text is set in 10 to 12 points, with an x-height of nearly half of
// that: 5.3 points for 11. So
//
//     dots per inch = median height in pixels * 72 / 5.3
//
// It is off by as much as the text is larger or smaller than 11 points, which is what is wanted: Tesseract takes the
// resolution as a hint of how large characters are.
#include "engine/read/resolution.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pg_ocr {
namespace {

constexpr double min_resolution = 70, max_resolution = 2400;

/// 72 and 96 are what cameras and editors write when they do not know; no scanner that makes larger pages scans them
/// so coarsely. A2 is 23.4 inches long, A0 46.8.
constexpr double default_resolutions_end = 96, longest_default_page = 24, longest_page = 50;

constexpr double points_per_inch = 72, x_height_of_body_text = 5.3;
constexpr int32_t resolution_without_text = 300;
constexpr int32_t smallest_character = 4;  ///< pixels; less is noise
constexpr double largest_character = 0.1;  ///< of the page's longer side
constexpr size_t enough_characters = 10;

}  // namespace

int32_t credible_resolution(double per_inch, int32_t width, int32_t height) {
    if (!(per_inch >= min_resolution && per_inch <= max_resolution)) return 0;
    double inches = std::max(width, height) / per_inch;
    double longest = per_inch <= default_resolutions_end ? longest_default_page : longest_page;
    return inches <= longest ? static_cast<int32_t>(std::lround(per_inch)) : 0;
}

int32_t estimated_resolution(PIX* page) {
    Pixels black_on_white(pixConvertTo1(page, 128));
    if (!black_on_white) return resolution_without_text;
    BOXA* boxes = pixConnCompBB(black_on_white.get(), 8);
    if (boxes == nullptr) return resolution_without_text;
    double largest = largest_character * std::max(pixGetWidth(page), pixGetHeight(page));
    largest = std::max<double>(largest, pixGetHeight(page) <= pixGetWidth(page) / 4 ? pixGetHeight(page) : 0);
    std::vector<int32_t> heights;
    for (l_int32 i = 0; i < boxaGetCount(boxes); ++i) {
        l_int32 width = 0, height = 0;
        boxaGetBoxGeometry(boxes, i, nullptr, nullptr, &width, &height);
        bool letter_shaped = width <= 4 * height && height <= 8 * width;
        if (letter_shaped && height >= smallest_character && height <= largest) heights.push_back(height);
    }
    boxaDestroy(&boxes);
    if (heights.size() < enough_characters) return resolution_without_text;
    auto median = heights.begin() + static_cast<std::ptrdiff_t>(heights.size() / 2);
    std::nth_element(heights.begin(), median, heights.end());
    double estimate = *median * points_per_inch / x_height_of_body_text;
    return static_cast<int32_t>(std::lround(std::clamp(estimate, min_resolution, max_resolution)));
}

}  // namespace pg_ocr
