// Parts of a page where chunks stand side by side over several rows: where a table may be.
#pragma once

#include <vector>

#include "engine/tables/column_gaps.h"

namespace pg_ocr {

/// Each part's rows from its top to its foot; the first and the last have several chunks. The chunks are the rows'.
std::vector<std::vector<RowPart>> table_parts_of(const Sheet&, const std::vector<TextRow>&);

}  // namespace pg_ocr
