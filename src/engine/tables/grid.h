// A table's places before it is known what stands in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tables/sheet.h"

namespace pg_ocr {

/// Rows and columns are counted from 0 here.
struct GridCell {
    int32_t row = 0, column = 0;
    int32_t row_span = 1, column_span = 1;
    std::vector<uint32_t> words;  ///< of the sheet's
    size_t edge_below() const { return static_cast<size_t>(row) + static_cast<size_t>(row_span); }
    size_t edge_right() const { return static_cast<size_t>(column) + static_cast<size_t>(column_span); }
};

struct Grid {
    std::vector<int32_t> xs, ys;  ///< edges of columns and rows, ascending, of each one more than there are
    std::vector<GridCell> cells;  ///< by row and column; together they cover the grid, each place once
    int32_t rows() const { return static_cast<int32_t>(ys.size()) - 1; }
    int32_t columns() const { return static_cast<int32_t>(xs.size()) - 1; }
    Box box() const { return {xs.front(), ys.front(), xs.back(), ys.back()}; }
};

/// What one table can have; what has more is none.
inline constexpr int32_t most_columns = 200, most_rows = 2000, most_places = 50000;

/// Text and box of each cell; the box of one that is empty is its place.
Table table_of(const Sheet&, const Grid&);

/// Numbers, amounts, dates, and what stands for none of them: '-', 'n/a'.
bool is_figure(std::string_view utf8);

}  // namespace pg_ocr
