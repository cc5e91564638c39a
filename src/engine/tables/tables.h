// The tables of a page, with ruling lines or without.
#pragma once

#include <allheaders.h>

#include <vector>

#include "document/document.h"

namespace pg_ocr {

/// From the page, of 1 or 8 bits, and what was read on it, in the page's pixels. From the page's top to its foot. Costs
/// time in proportion to pixels and words. Throws std::bad_alloc.
std::vector<Table> tables_of(const Layout&, PIX* page, int32_t dpi);

}  // namespace pg_ocr
