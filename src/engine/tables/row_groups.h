// Which rows of text are a row of the table together.
#pragma once

#include <vector>

#include "engine/tables/entries.h"

namespace pg_ocr {

/// Of each row of text, whether it goes on with the one before; of the first not. `lines` are the places of lines
/// across, ascending.
std::vector<bool> continued_rows(const Sheet&, const std::vector<EntryRow>&, int32_t columns,
                                 const std::vector<int32_t>& lines);

}  // namespace pg_ocr
