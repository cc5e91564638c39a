// White strips down a page that part columns from each other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/lines/rows.h"

namespace pg_ocr {

/// Parts pieces where a gap in them is part of such a strip: one that goes on through the rows above and below, the
/// more of them the narrower it is, and is wider than spaces are in those rows. From the top, as they come. Lines that
/// part columns are partitions.
std::vector<RowPiece> parted_at_gutters(const std::vector<RowPiece>& pieces, std::span<const Box> partitions);

/// True where a partition stands between what ends at one place and what begins at another, at a height on the page.
bool is_partitioned(std::span<const Box> partitions, int32_t end, int32_t begin, const Box& at);

}  // namespace pg_ocr
