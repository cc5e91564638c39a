// How many pixels make an inch: what the file says where that can be believed, and else an estimate.
#pragma once

#include <cstdint>

#include "engine/read/pixels.h"

namespace pg_ocr {

/// The resolution (pixels per inch, rounded) where it is credible for an image of that size; 0 where it is not:
/// outside 70 to 2400, or a page of absurd size.
int32_t credible_resolution(double per_inch, int32_t width, int32_t height);

/// Estimated from the size of the characters on the page (see the .cpp); 300 where there are too few of them to say.
int32_t estimated_resolution(PIX*);

}  // namespace pg_ocr
