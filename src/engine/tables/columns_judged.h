// Whether what stands in columns is a table.
#pragma once

#include <vector>

#include "engine/tables/entries.h"

namespace pg_ocr {

/// The rows from the first to the last one with several entries; `lines` is how many lines run across them.
bool is_table(const Sheet&, const std::vector<EntryRow>& rows, int32_t columns, int32_t lines);

}  // namespace pg_ocr
