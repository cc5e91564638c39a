#include "engine/pdf/packed_rows.h"

#include <cstdint>
#include <cstdlib>

namespace pg_ocr {
namespace {

enum class RowFilter : uint8_t { none, left, above, mean, paeth };
constexpr RowFilter filters[] = {RowFilter::none, RowFilter::left, RowFilter::above, RowFilter::mean, RowFilter::paeth};

/// Of three neighbours the one nearest to left + above - corner.
int nearest(int left, int above, int corner) {
    const int from_left = std::abs(above - corner), from_above = std::abs(left - corner);
    const int from_corner = std::abs(left + above - 2 * corner);
    if (from_left <= from_above && from_left <= from_corner) return left;
    return from_above <= from_corner ? above : corner;
}

int predicted(RowFilter filter, int left, int above, int corner) {
    switch (filter) {
        case RowFilter::left:
            return left;
        case RowFilter::above:
            return above;
        case RowFilter::mean:
            return (left + above) / 2;
        case RowFilter::paeth:
            return nearest(left, above, corner);
        case RowFilter::none:
            break;
    }
    return 0;
}

/// What is left of a row, the filter's number before it; its weight is the sum of what is left, as signed numbers.
struct Filtered {
    std::string row;
    uint64_t weight = 0;
};

Filtered filtered(RowFilter filter, std::string_view row, std::string_view row_above, size_t bytes_per_pixel) {
    Filtered result;
    result.row.resize(row.size() + 1);
    result.row[0] = static_cast<char>(filter);
    auto at = [](std::string_view bytes, size_t i) { return static_cast<int>(static_cast<uint8_t>(bytes[i])); };
    for (size_t i = 0; i < row.size(); ++i) {
        const bool first = i < bytes_per_pixel;
        const int left = first ? 0 : at(row, i - bytes_per_pixel), above = at(row_above, i);
        const int corner = first ? 0 : at(row_above, i - bytes_per_pixel);
        const auto rest = static_cast<int8_t>(at(row, i) - predicted(filter, left, above, corner));
        result.row[i + 1] = static_cast<char>(rest);
        result.weight += static_cast<uint64_t>(std::abs(static_cast<int>(rest)));
    }
    return result;
}

}  // namespace

PackedRows::PackedRows(Pipeline& to, size_t row_size, size_t bytes_per_pixel)
    : flate_("deflate", &to, Pl_Flate::a_deflate), bytes_per_pixel_(bytes_per_pixel), above_(row_size, '\0') {}

void PackedRows::add(std::string_view row) {
    Filtered best;
    for (RowFilter filter : filters) {
        Filtered next = filtered(filter, row, above_, bytes_per_pixel_);
        if (best.row.empty() || next.weight < best.weight) best = std::move(next);
    }
    write_to(flate_, best.row);
    above_ = row;
}

void PackedRows::add_as_it_is(std::string_view row) {
    write_to(flate_, std::string(1, static_cast<char>(RowFilter::none)));
    write_to(flate_, row);
    above_ = row;
}

void PackedRows::finish() { flate_.finish(); }

}  // namespace pg_ocr
