// For every CPU.
#include "engine/samples/plain_rows.h"

namespace pg_ocr {
namespace {

void undo_filters(const FilteredRows& rows, uint8_t* to, size_t stride) {
    switch (rows.pixel_size) {
        case 1:
            return undo_row_after_row<1>(rows, to, stride);
        case 2:
            return undo_row_after_row<2>(rows, to, stride);
        case 3:
            return undo_row_after_row<3>(rows, to, stride);
        case 4:
            return undo_row_after_row<4>(rows, to, stride);
        case 6:
            return undo_row_after_row<6>(rows, to, stride);
        default:
            return undo_row_after_row<8>(rows, to, stride);
    }
}

void grey_of(const uint8_t* colours, size_t pixel_size, size_t pixels, uint32_t* to) {
    grey_from(0, colours, pixel_size, pixels, to);
}

}  // namespace

constinit const SampleKernels portable_samples = {"portable", [] { return true; }, undo_filters, grey_of};

}  // namespace pg_ocr
