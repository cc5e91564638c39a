#include "engine/tables/row_groups.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "engine/tables/grid.h"

namespace pg_ocr {
namespace {

/// In heights of words.
constexpr double leading_in_cell = 0.75;

bool begins_small(const std::string& text) { return !text.empty() && text[0] >= 'a' && text[0] <= 'z'; }

bool has_figures(const EntryRow& row) {
    return std::any_of(row.entries.begin(), row.entries.end(),
                       [](const Entry& entry) { return entry.column > 0 && is_figure(entry.text); });
}

/// Rows of text that are rows of the table together.
class RowGroups {
  public:
    RowGroups(const Sheet& sheet, const std::vector<EntryRow>& rows, int32_t columns, const std::vector<int32_t>& lines)
        : rows_(rows), columns_(columns), lines_(lines), near_(leading_in_cell * sheet.word_height) {}

    /// Of each row of text but the first, whether it goes on with the one before.
    std::vector<bool> continued() const {
        std::vector<bool> result(rows_.size());
        if (lines_part_rows(result)) return result;
        const size_t head = rows_of_head();
        const bool head_spans =
            std::any_of(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(head), [](const EntryRow& row) {
                return std::any_of(row.entries.begin(), row.entries.end(),
                                   [](const Entry& e) { return e.column_span > 1; });
            });
        for (size_t i = 1; i < rows_.size(); ++i) {
            if (rows_[i].top - rows_[i - 1].bottom > near_ || is_parted(i)) continue;
            result[i] = i < head ? !head_spans : goes_on(rows_[i - 1], rows_[i]);
        }
        return result;
    }

  private:
    bool is_parted(size_t row) const {
        const int32_t from = (rows_[row - 1].top + rows_[row - 1].bottom) / 2,
                      to = (rows_[row].top + rows_[row].bottom) / 2;
        auto line = std::lower_bound(lines_.begin(), lines_.end(), from);
        return line != lines_.end() && *line < to;
    }
    /// Where lines part most rows, they part all.
    bool lines_part_rows(std::vector<bool>& result) const {
        size_t parted = 0, together = 0;
        for (size_t i = 1; i < rows_.size(); ++i) {
            result[i] = !is_parted(i);
            parted += result[i] ? 0 : 1;
            together += result[i] && has_figures(rows_[i]) && has_figures(rows_[i - 1]) ? 1 : 0;
        }
        if (parted >= 3 && 4 * parted >= rows_.size() && together == 0) return true;
        result.assign(result.size(), false);
        return false;
    }
    /// Rows before the first that has figures in most of what it holds.
    size_t rows_of_head() const {
        size_t first = 0, with_figures = 0;
        for (size_t i = 0; i < rows_.size(); ++i) {
            size_t figures = 0, beside = 0;
            for (const Entry& entry : rows_[i].entries) {
                if (entry.column == 0) continue;
                ++beside;
                figures += is_figure(entry.text) ? 1 : 0;
            }
            if (beside == 0 || 2 * figures < beside) continue;
            if (with_figures == 0) first = i;
            ++with_figures;
        }
        constexpr size_t longest_head = 6;
        return with_figures * 2 >= rows_.size() && first <= longest_head ? first : 0;
    }
    bool goes_on(const EntryRow& above, const EntryRow& row) const {
        if (row.entries.empty() || above.entries.empty()) return false;
        const bool first_empty = row.entries.front().column > 0;
        if (has_figures(row))
            return above.entries.size() == 1 && above.entries[0].column == 0 && !first_empty &&
                   begins_small(row.entries[0].text);
        const auto entries = static_cast<int32_t>(row.entries.size());
        if (first_empty) return above.entries.front().column == 0 && 2 * entries <= columns_ + 1;
        return entries == 1 && above.entries.size() > 1 && begins_small(row.entries[0].text);
    }

    const std::vector<EntryRow>& rows_;
    int32_t columns_;
    const std::vector<int32_t>& lines_;
    double near_;
};

}  // namespace

std::vector<bool> continued_rows(const Sheet& sheet, const std::vector<EntryRow>& rows, int32_t columns,
                                 const std::vector<int32_t>& lines) {
    return RowGroups(sheet, rows, columns, lines).continued();
}

}  // namespace pg_ocr
