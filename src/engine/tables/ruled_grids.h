// Tables that ruling lines show: both ways.
#pragma once

#include <vector>

#include "engine/tables/grid.h"

namespace pg_ocr {

/// From lines that meet, with the words that are in them. Boxes, frames, charts and forms are left out.
std::vector<Grid> ruled_grids(const Sheet&);

}  // namespace pg_ocr
