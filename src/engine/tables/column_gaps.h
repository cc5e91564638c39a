// Where the columns of rows are.
#pragma once

#include <vector>

#include "engine/tables/text_rows.h"

namespace pg_ocr {

/// From left to right; between one's right and the next one's left there is a gap.
struct ColumnSpan {
    int32_t left = 0, right = 0;
};

/// What lies between gaps that go through nearly all the rows that have the most chunks.
std::vector<ColumnSpan> columns_of(const Sheet&, const std::vector<RowPart>& rows);

}  // namespace pg_ocr
