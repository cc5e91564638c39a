// Pieces of rows by their height on the page, and the white between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/lines/rows.h"

namespace pg_ocr {

/// Across the page; the end is exclusive.
struct Interval {
    int32_t begin = 0, end = 0;
    int32_t width() const { return end - begin; }
};

struct Gap {
    Interval white;
    size_t first_behind = 0;  ///< of the piece's letters
};

struct MeasuredPiece {
    const RowPiece* piece = nullptr;
    std::vector<Gap> gaps;  ///< between its letters, from the left
    float space = 0;        ///< width of its usual space; 0 where it has no gap
};

/// Pieces at one height, in no order.
using Level = std::span<const MeasuredPiece>;

/// What is left of an interval that no letter of the level covers: the widest part of it, which may be empty.
Interval white_in(Level, Interval);

/// The levels of a page, from the top. The pieces, which come from the top, outlive it.
class Levels {
  public:
    explicit Levels(const std::vector<RowPiece>&);
    Levels(const Levels&) = delete;
    Levels& operator=(const Levels&) = delete;
    size_t size() const { return levels_.size(); }
    const Level& operator[](size_t index) const { return levels_[index]; }

  private:
    std::vector<MeasuredPiece> rows_;
    std::vector<Level> levels_;
};

}  // namespace pg_ocr
