#include "engine/tables/refined_grid.h"

#include <algorithm>
#include <cstddef>

#include "engine/tables/row_groups.h"

namespace pg_ocr {
namespace {

/// Lines of other text that are taken for rows where nearly all cells have as many.
constexpr size_t lines_of_text = 4;
constexpr double nearly_all = 0.75;

std::vector<RowPart> parts_of(const std::vector<TextRow>& rows) {
    std::vector<RowPart> parts;
    for (const TextRow& row : rows) {
        RowPart part{row.top, row.bottom, {}};
        for (const Chunk& chunk : row.chunks) part.chunks.push_back(&chunk);
        parts.push_back(std::move(part));
    }
    return parts;
}

/// Rows of the grid, from the first up to the last, which is exclusive.
struct Band {
    int32_t first = 0, last = 0;
    std::vector<uint32_t> words;
};

class Refinement {
  public:
    Refinement(const Sheet& sheet, const Grid& grid) : sheet_(sheet), grid_(grid) {
        coarse_.resize(static_cast<size_t>(grid.rows()));
        find_coarse_rows();
        if (std::find(coarse_.begin(), coarse_.end(), true) == coarse_.end()) return;
        part_columns();
        if (xs_.size() > grid_.xs.size()) find_rows_over_parted_columns();
        is_needed_ = true;
    }
    bool is_needed() const { return is_needed_ && xs_.size() - 1 <= static_cast<size_t>(most_columns); }

    Grid grid() const {
        Grid fine;
        fine.xs = xs_;
        std::vector<int32_t> row_of(static_cast<size_t>(grid_.rows()) + 1);
        fine.ys.push_back(grid_.ys.front());
        size_t band = 0;
        const std::vector<Band> all = bands();
        for (int32_t row = 0; row < grid_.rows();) {
            const auto begin = static_cast<int32_t>(fine.ys.size()) - 1;
            if (band < all.size() && all[band].first == row) {
                add_rows_of_text(fine, all[band]);
                row = all[band++].last;
            } else {
                row_of[static_cast<size_t>(row)] = begin;
                fine.ys.push_back(std::max(fine.ys.back() + 1, grid_.ys[static_cast<size_t>(++row)]));
            }
            row_of[static_cast<size_t>(row)] = static_cast<int32_t>(fine.ys.size()) - 1;
        }
        for (const GridCell& cell : grid_.cells) {
            if (coarse_[static_cast<size_t>(cell.row)]) continue;
            GridCell moved = cell;
            moved.row = row_of[static_cast<size_t>(cell.row)];
            moved.row_span = row_of[cell.edge_below()] - moved.row;
            moved.column = column_of_[static_cast<size_t>(cell.column)];
            moved.column_span = column_of_[cell.edge_right()] - moved.column;
            fine.cells.push_back(std::move(moved));
        }
        std::sort(fine.cells.begin(), fine.cells.end(), [](const GridCell& a, const GridCell& b) {
            return a.row != b.row ? a.row < b.row : a.column < b.column;
        });
        return fine;
    }

  private:
    /// Of a cell, how many lines its text has and how many of them are figures.
    void find_coarse_rows() {
        struct Count {
            size_t filled = 0, stacked = 0;
            std::vector<size_t> lines;
        };
        std::vector<Count> counts(coarse_.size());
        for (const GridCell& cell : grid_.cells) {
            if (cell.words.empty()) continue;
            size_t figures = 0;
            const std::vector<TextRow> rows = text_rows_of(sheet_, cell.words, {});
            for (const TextRow& row : rows) {
                const std::vector<uint32_t>& last = row.chunks.back().words;
                figures += is_figure(sheet_.words[last.back()].word->text) ? 1 : 0;
            }
            Count& count = counts[static_cast<size_t>(cell.row)];
            ++count.filled;
            count.stacked += figures >= 2 && 3 * figures >= 2 * rows.size() ? 1 : 0;
            count.lines.push_back(rows.size());
        }
        for (size_t i = 0; i < counts.size(); ++i) {
            Count& count = counts[i];
            if (count.filled < 2) continue;
            std::sort(count.lines.begin(), count.lines.end());
            const size_t usual = count.lines[count.lines.size() / 2];
            const auto as_many = static_cast<double>(std::count(count.lines.begin(), count.lines.end(), usual));
            coarse_[i] = 5 * count.stacked >= 2 * count.filled ||
                         (usual >= lines_of_text && as_many >= nearly_all * static_cast<double>(count.filled));
        }
        spread_over_spans();
    }

    /// A cell is either taken as it is or parted, in all of its rows.
    void spread_over_spans() {
        for (bool changed = true; changed;) {
            changed = false;
            for (const GridCell& cell : grid_.cells) {
                if (cell.row_span == 1) continue;
                const auto first = coarse_.begin() + cell.row, last = first + cell.row_span;
                if (std::find(first, last, true) == last || std::find(first, last, false) == last) continue;
                std::fill(first, last, true);
                changed = true;
            }
        }
    }

    std::vector<Band> bands() const {
        std::vector<Band> all;
        std::vector<size_t> band_of(coarse_.size());
        for (size_t i = 0; i < coarse_.size(); ++i) {
            if (!coarse_[i]) continue;
            const auto row = static_cast<int32_t>(i);
            // A line between two rows parts them, unless a cell reaches over it.
            if (all.empty() || all.back().last != row || !is_spanned(row)) all.push_back({row, row, {}});
            all.back().last = row + 1;
            band_of[i] = all.size() - 1;
        }
        for (const GridCell& cell : grid_.cells) {
            if (!coarse_[static_cast<size_t>(cell.row)]) continue;
            std::vector<uint32_t>& words = all[band_of[static_cast<size_t>(cell.row)]].words;
            words.insert(words.end(), cell.words.begin(), cell.words.end());
        }
        return all;
    }
    bool is_spanned(int32_t row) const {
        return std::any_of(grid_.cells.begin(), grid_.cells.end(),
                           [&](const GridCell& cell) { return cell.row < row && row < cell.row + cell.row_span; });
    }

    /// Columns in which entries stand beside each other in most of the rows.
    void part_columns() {
        std::vector<std::vector<uint32_t>> words(static_cast<size_t>(grid_.columns()));
        for (const GridCell& cell : grid_.cells)
            if (coarse_[static_cast<size_t>(cell.row)] && cell.column_span == 1)
                words[static_cast<size_t>(cell.column)].insert(words[static_cast<size_t>(cell.column)].end(),
                                                               cell.words.begin(), cell.words.end());
        xs_.push_back(grid_.xs.front());
        for (size_t column = 0; column < words.size(); ++column) {
            column_of_.push_back(static_cast<int32_t>(xs_.size()) - 1);
            parted_.push_back(true);
            const std::vector<TextRow> rows = text_rows_of(sheet_, words[column], {});
            const std::vector<RowPart> parts = parts_of(rows);
            const auto several = static_cast<size_t>(
                std::count_if(parts.begin(), parts.end(), [](const RowPart& part) { return part.chunks.size() >= 2; }));
            constexpr size_t fewest = 3;
            if (several >= fewest && 2 * several >= parts.size()) {
                const std::vector<ColumnSpan> spans = columns_of(sheet_, parts);
                for (size_t i = 1; i < spans.size(); ++i) {
                    xs_.push_back((spans[i - 1].right + spans[i].left) / 2);
                    parted_.push_back(false);
                }
            }
            xs_.push_back(grid_.xs[column + 1]);
        }
        column_of_.push_back(static_cast<int32_t>(xs_.size()) - 1);
    }

    Columns columns() const {
        std::vector<ColumnSpan> spans;
        for (size_t i = 1; i < xs_.size(); ++i) spans.push_back({xs_[i - 1], xs_[i]});
        return {sheet_, std::move(spans), parted_};
    }

    void find_rows_over_parted_columns() {
        const Columns all = columns();
        for (const GridCell& cell : grid_.cells) {
            const int32_t first = column_of_[static_cast<size_t>(cell.column)];
            if (coarse_[static_cast<size_t>(cell.row)] || cell.words.empty() ||
                column_of_[cell.edge_right()] - first == cell.column_span)
                continue;
            const std::vector<TextRow> rows = text_rows_of(sheet_, cell.words, {});
            for (const RowPart& part : parts_of(rows))
                if (all.row_of(part).entries.size() > 1) coarse_[static_cast<size_t>(cell.row)] = true;
        }
        spread_over_spans();
    }

    void add_rows_of_text(Grid& fine, const Band& band) const {
        const int32_t foot = grid_.ys[static_cast<size_t>(band.last)];
        const std::vector<TextRow> text = text_rows_of(sheet_, band.words, {});
        std::vector<EntryRow> rows;
        const Columns all = columns();
        for (const RowPart& part : parts_of(text)) rows.push_back(all.row_with_texts(part));
        const std::vector<bool> continued = continued_rows(sheet_, rows, all.count(), {});
        for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
            std::vector<GridCell> cells(static_cast<size_t>(all.count()));
            do {
                for (const Entry& entry : rows[end].entries) {
                    GridCell& cell = cells[static_cast<size_t>(entry.column)];
                    cell.words.insert(cell.words.end(), entry.words.begin(), entry.words.end());
                    cell.column_span = std::max(cell.column_span, entry.column_span);
                }
                ++end;
            } while (end < rows.size() && continued[end]);
            add_row(fine, std::move(cells));
            const int32_t middle = end < rows.size() ? (rows[end - 1].bottom + rows[end].top) / 2 : foot;
            fine.ys.push_back(std::max(fine.ys.back() + 1, middle));
        }
        if (rows.empty()) {
            add_row(fine, std::vector<GridCell>(static_cast<size_t>(all.count())));
            fine.ys.push_back(std::max(fine.ys.back() + 1, foot));
        }
    }
    static void add_row(Grid& fine, std::vector<GridCell> cells) {
        for (size_t column = 0; column < cells.size();) {
            GridCell& cell = cells[column];
            cell.row = static_cast<int32_t>(fine.ys.size()) - 1;
            cell.column = static_cast<int32_t>(column);
            size_t end = column + 1;
            while (end < cells.size() && end < column + static_cast<size_t>(cell.column_span) &&
                   cells[end].words.empty())
                ++end;
            cell.column_span = static_cast<int32_t>(end - column);
            fine.cells.push_back(std::move(cell));
            column = end;
        }
    }

    const Sheet& sheet_;
    const Grid& grid_;
    std::vector<bool> coarse_;        ///< of the grid's rows
    std::vector<int32_t> xs_;         ///< the new edges
    std::vector<int32_t> column_of_;  ///< of the grid's edges, the new ones' numbers
    std::vector<bool> parted_;        ///< of the new columns, whether their left edge is one of the grid's
    bool is_needed_ = false;
};

}  // namespace

Grid refined(const Sheet& sheet, Grid grid) {
    const Refinement refinement(sheet, grid);
    return refinement.is_needed() ? refinement.grid() : std::move(grid);
}

}  // namespace pg_ocr
