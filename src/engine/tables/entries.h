// What stands in a row's columns.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/tables/column_gaps.h"

namespace pg_ocr {

/// What stands in one row and one column, or in several.
struct Entry {
    int32_t column = 0, column_span = 1;
    std::vector<uint32_t> words;  ///< of the sheet's, from left to right
    Box box;
    std::string text;
};

struct EntryRow {
    int32_t top = 0, bottom = 0;
    std::vector<Entry> entries;  ///< by column
};

/// Puts chunks into columns; one that reaches over several is parted where its words are, or spans them.
class Columns {
  public:
    /// `parted` is of each column whether a line is drawn at its left, over which nothing reaches; none when empty.
    Columns(const Sheet& sheet, std::vector<ColumnSpan> spans, std::vector<bool> parted = {})
        : sheet_(sheet), spans_(std::move(spans)), parted_(std::move(parted)) {}
    const std::vector<ColumnSpan>& spans() const { return spans_; }
    int32_t count() const { return static_cast<int32_t>(spans_.size()); }
    EntryRow row_of(const RowPart&) const;  ///< without texts
    EntryRow row_with_texts(const RowPart&) const;

  private:
    std::pair<int32_t, int32_t> reach_of(const Box&) const;
    int32_t nearest(const Box&) const;
    bool is_parted(int32_t after, int32_t column) const;
    void add(EntryRow&, int32_t first, int32_t last, std::vector<uint32_t> words) const;
    const Sheet& sheet_;
    std::vector<ColumnSpan> spans_;
    std::vector<bool> parted_;
};

}  // namespace pg_ocr
