#include "engine/tables/tables.h"

#include <algorithm>

#include "engine/tables/ruled_grids.h"
#include "engine/tables/unruled_grids.h"

namespace pg_ocr {
namespace {

/// The largest, where there are more than any page has.
constexpr size_t most_tables = 100;

void keep_largest(std::vector<Grid>& grids) {
    if (grids.size() <= most_tables) return;
    std::nth_element(grids.begin(), grids.begin() + most_tables, grids.end(),
                     [](const Grid& a, const Grid& b) { return a.cells.size() > b.cells.size(); });
    grids.resize(most_tables);
}

}  // namespace

std::vector<Table> tables_of(const Layout& layout, PIX* page, int32_t dpi) {
    const Sheet sheet = sheet_of(layout, page, dpi);
    std::vector<Grid> grids = ruled_grids(sheet);
    std::vector<bool> taken(sheet.words.size());
    for (const Grid& grid : grids)
        for (const GridCell& cell : grid.cells)
            for (uint32_t word : cell.words) taken[word] = true;
    for (Grid& grid : unruled_grids(sheet, taken)) grids.push_back(std::move(grid));
    keep_largest(grids);
    std::sort(grids.begin(), grids.end(), [](const Grid& a, const Grid& b) {
        return a.ys.front() != b.ys.front() ? a.ys.front() < b.ys.front() : a.xs.front() < b.xs.front();
    });
    std::vector<Table> tables;
    tables.reserve(grids.size());
    for (const Grid& grid : grids) tables.push_back(table_of(sheet, grid));
    return tables;
}

}  // namespace pg_ocr
