// How a page's lines run.
#pragma once

#include <span>

#include "engine/lines/components.h"

namespace pg_ocr {

/// Pixels down for each to the right, of letters of about that size, up to some 6 degrees; 0 where there are too few of
/// them to tell.
double slope_of(std::span<const Component> letters, int32_t size);

/// Of letters of about that size with a neighbour beside, above or below, the share whose nearest one is beside it:
/// most of them where lines run across the page, few where they run down. 1 where there is nothing to tell.
float share_across(std::span<const Component> letters, int32_t size);

}  // namespace pg_ocr
