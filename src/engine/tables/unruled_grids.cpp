#include "engine/tables/unruled_grids.h"

#include <algorithm>
#include <cstddef>

#include "engine/tables/columns_judged.h"
#include "engine/tables/row_groups.h"
#include "engine/tables/table_parts.h"

namespace pg_ocr {
namespace {

/// In heights of words.
constexpr double line_near = 2.0;
constexpr double line_over_table = 0.6;
constexpr int32_t deepest_parting = 3;

/// Without columns in which next to nothing stands: those are parts of their neighbours.
std::vector<ColumnSpan> without_poor_columns(const Sheet& sheet, const std::vector<RowPart>& rows,
                                             std::vector<ColumnSpan> spans) {
    constexpr double least_share = 0.12;
    if (spans.size() > static_cast<size_t>(most_columns)) return spans;
    while (spans.size() > 2) {
        std::vector<size_t> filled(spans.size());
        size_t several = 0;
        const Columns columns(sheet, spans);
        for (const RowPart& part : rows) {
            if (part.chunks.size() < 2) continue;
            ++several;
            for (const Entry& entry : columns.row_of(part).entries)
                if (entry.column_span == 1) ++filled[static_cast<size_t>(entry.column)];
        }
        const auto poorest = std::min_element(filled.begin(), filled.end());
        const auto i = static_cast<size_t>(poorest - filled.begin());
        if (*poorest >= 2 && static_cast<double>(*poorest) >= least_share * static_cast<double>(several)) break;
        const bool to_left = i > 0 && (i + 1 == spans.size() ||
                                       spans[i].left - spans[i - 1].right <= spans[i + 1].left - spans[i].right);
        const size_t kept = to_left ? i - 1 : i;
        spans[kept].right = spans[kept + 1].right;
        spans.erase(spans.begin() + static_cast<ptrdiff_t>(kept) + 1);
    }
    return spans;
}

/// Lines across that lie over most of a table.
std::vector<int32_t> lines_across(const Sheet& sheet, const Box& box) {
    std::vector<int32_t> lines;
    const auto near = static_cast<int32_t>(line_near * sheet.word_height);
    auto above = [](const Rule& rule, int32_t at) { return rule.at < at; };
    auto rule = std::lower_bound(sheet.rules.across.begin(), sheet.rules.across.end(), box.top - near, above);
    for (; rule != sheet.rules.across.end() && rule->at <= box.bottom + near; ++rule)
        if (std::min(rule->end, box.right) - std::max(rule->begin, box.left) >=
            line_over_table * (box.right - box.left))
            lines.push_back(rule->at);
    return lines;
}

Grid grid_of(const Sheet& sheet, const std::vector<EntryRow>& rows, const Columns& columns,
             const std::vector<int32_t>& lines) {
    Grid grid;
    const std::vector<ColumnSpan>& spans = columns.spans();
    Box box{spans.front().left, rows.front().top, spans.back().right, rows.back().bottom};
    for (const EntryRow& row : rows)
        for (const Entry& entry : row.entries) box = joined(box, entry.box);
    grid.xs.push_back(box.left);
    for (size_t i = 1; i < spans.size(); ++i) grid.xs.push_back((spans[i - 1].right + spans[i].left) / 2);
    grid.xs.push_back(box.right);
    const std::vector<bool> continued = continued_rows(sheet, rows, columns.count(), lines);
    std::vector<std::vector<std::vector<uint32_t>>> words;  // of each row and column; a span's are in its first
    std::vector<std::vector<int32_t>> reach;
    const auto count = static_cast<size_t>(columns.count());
    for (size_t i = 0; i < rows.size(); ++i) {
        if (i == 0 || !continued[i]) {
            grid.ys.push_back(i == 0 ? box.top : std::max(grid.ys.back() + 1, (rows[i - 1].bottom + rows[i].top) / 2));
            words.emplace_back(count);
            reach.emplace_back(count, 1);
        }
        for (const Entry& entry : rows[i].entries) {
            const auto column = static_cast<size_t>(entry.column);
            std::vector<uint32_t>& to = words.back()[column];
            to.insert(to.end(), entry.words.begin(), entry.words.end());
            reach.back()[column] = std::max(reach.back()[column], entry.column_span);
        }
    }
    grid.ys.push_back(std::max(grid.ys.back() + 1, box.bottom));
    for (size_t row = 0; row < words.size(); ++row)
        for (size_t column = 0; column < count;) {
            GridCell cell{static_cast<int32_t>(row), static_cast<int32_t>(column), 1, 1, std::move(words[row][column])};
            // A span ends before what stands for itself.
            size_t end = column + 1;
            while (end < column + static_cast<size_t>(reach[row][column]) && words[row][end].empty()) ++end;
            cell.column_span = static_cast<int32_t>(end - column);
            grid.cells.push_back(std::move(cell));
            column = end;
        }
    return grid;
}

void add_grids(std::vector<Grid>& grids, const Sheet& sheet, const std::vector<RowPart>& part, int32_t depth) {
    constexpr size_t fewest_rows = 2;
    if (part.size() < fewest_rows || part.size() > static_cast<size_t>(most_rows)) return;
    const Columns columns(sheet, without_poor_columns(sheet, part, columns_of(sheet, part)));
    if (columns.count() >= 2 && columns.count() <= most_columns &&
        part.size() * columns.spans().size() <= static_cast<size_t>(most_places)) {
        std::vector<EntryRow> rows;
        rows.reserve(part.size());
        for (const RowPart& row : part) rows.push_back(columns.row_with_texts(row));
        Box box{columns.spans().front().left, rows.front().top, columns.spans().back().right, rows.back().bottom};
        const std::vector<int32_t> lines = lines_across(sheet, box);
        if (is_table(sheet, rows, columns.count(), static_cast<int32_t>(lines.size()))) {
            grids.push_back(grid_of(sheet, rows, columns, lines));
            return;
        }
    }
    // Perhaps one that stands close to something else.
    if (depth >= deepest_parting) return;
    size_t widest = 0;
    int32_t gap = 0;
    for (size_t i = 1; i < part.size(); ++i)
        if (part[i].top - part[i - 1].bottom > gap) {
            gap = part[i].top - part[i - 1].bottom;
            widest = i;
        }
    if (widest == 0 || gap < sheet.word_height / 2) return;
    const auto middle = part.begin() + static_cast<ptrdiff_t>(widest);
    add_grids(grids, sheet, {part.begin(), middle}, depth + 1);
    add_grids(grids, sheet, {middle, part.end()}, depth + 1);
}

}  // namespace

std::vector<Grid> unruled_grids(const Sheet& sheet, const std::vector<bool>& taken) {
    std::vector<uint32_t> words;
    for (uint32_t i = 0; i < sheet.words.size(); ++i)
        if (!taken[i]) words.push_back(i);
    const std::vector<TextRow> rows = text_rows_of(sheet, std::move(words), lines_of_prose(sheet));
    std::vector<Grid> grids;
    for (const std::vector<RowPart>& part : table_parts_of(sheet, rows)) add_grids(grids, sheet, part, 0);
    return grids;
}

}  // namespace pg_ocr
