// Tables that the places of words show, and lines across at most.
#pragma once

#include <vector>

#include "engine/tables/grid.h"

namespace pg_ocr {

/// Of the words that are not taken. What is set in columns without being a table (running text, lists, contents, labels
/// and their values) is left out.
std::vector<Grid> unruled_grids(const Sheet&, const std::vector<bool>& taken);

}  // namespace pg_ocr
