// Tables of which lines part columns or heads, but not all rows and columns.
#pragma once

#include "engine/tables/grid.h"

namespace pg_ocr {

/// Parts rows in which several lines of figures stand below each other, and columns in which they stand beside each
/// other. Where there are none, the grid as it is.
Grid refined(const Sheet&, Grid);

}  // namespace pg_ocr
