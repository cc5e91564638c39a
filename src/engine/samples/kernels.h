// What is done to every byte of a stored image until it is grey, for one instruction set. Plain data and pointers only:
// a file that is compiled for a newer CPU must leave no inline function of a library behind, which the linker would
// then give to everybody.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pg_ocr {

/// Rows of a PNG as they are before their filters are undone: one behind the other, each a byte that names its filter,
/// 0 to 4, and then its pixels.
struct FilteredRows {
    const uint8_t* bytes;  ///< 8 bytes behind the last row may be read as well
    size_t count;
    size_t row_size;    ///< in bytes, without the filter's
    size_t pixel_size;  ///< in bytes: 1, 2, 3, 4, 6 or 8; 1 where a byte has several pixels
};

struct SampleKernels {
    const char* name;
    /// Whether this machine can run it.
    bool (*runs_here)();
    /// Undoes the filters. Row after row goes to `to`, `stride` bytes apart; the row above them is a stride before. A
    /// stride is at least 8 bytes longer than a row, and what lies in it behind a row is spoiled.
    void (*undo_filters)(const FilteredRows&, uint8_t* to, size_t stride);
    /// Pixels of three bytes or four, red, green, blue and one that does not count, in 8-bit grey as Leptonica has it:
    /// in words, the first pixel in a word's highest bits, and 0 behind the last.
    void (*grey_of)(const uint8_t* colours, size_t pixel_size, size_t pixels, uint32_t* to);
};

extern const SampleKernels portable_samples;  ///< runs everywhere
#ifdef __x86_64__
extern const SampleKernels avx2_samples;
#endif

}  // namespace pg_ocr
