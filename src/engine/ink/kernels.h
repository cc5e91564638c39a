// What is done to every pixel of a page, for one instruction set. Plain data and pointers only: a file that is compiled
// for a newer CPU must leave no inline function of a library behind, which the linker would then give to everybody.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pg_ocr {

/// Pixels as Leptonica keeps them: rows of words, the first pixel in a word's highest bits.
struct PixelRows {
    const uint32_t* words;
    size_t words_in_row;
    size_t width, height;
};

struct InkKernels {
    const char* name;
    /// Whether this machine can run it.
    bool (*runs_here)();
    /// Adds how often each grey, 8 bits deep, is there, to 256 counts.
    void (*count_greys)(const PixelRows&, uint32_t* counts);
    /// Rows of bits: which pixels, 8 bits deep, are darker than the grey; or, with `bright`, which are not. Bits behind
    /// the width are 0.
    void (*find_ink)(const PixelRows&, uint8_t grey, bool bright, uint32_t* to, size_t words_in_row);
};

extern const InkKernels portable_ink;  ///< runs everywhere
#ifdef __x86_64__
extern const InkKernels avx2_ink;
extern const InkKernels avx512_ink;
#endif

}  // namespace pg_ocr
