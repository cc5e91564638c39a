// The arithmetic of a network on packed weights, for one instruction set and one kind of number. Plain data and
// pointers only: a file that is compiled for a newer CPU must leave no inline function of a library behind, which the
// linker would then give to everybody.
#pragma once

#include <cstddef>
#include <cstdint>

#include "recognise/nonlinear.h"

namespace pg_ocr::recognise {

/// How a number between two layers is stored. A word is 32 bits of them: 4, 2 or 1.
enum class Activation : uint8_t {
    offset_bytes,  ///< uint8, 128 more than it stands for
    shorts,        ///< int16
    floats,
};

/// A table as kernels read it: of each entry its value and the rise to the next, so that one load has both. Where a
/// value is beyond the table, the last entry: 1, which does not rise.
struct PairedTable {
    float pairs[table_size][2];
};
struct PairedTables {
    PairedTable tanh;
    PairedTable logistic;
};
const PairedTables& paired_tables();

/// Outputs go in vectors of Kernels::width, vectors in blocks of as many as `together`: the four gates of an LSTM, or
/// four neighbours of a product; one of a convolution. What fills up a word or a vector weighs 0.
struct PackedMatrix {
    uint32_t blocks = 0;
    uint32_t together = 0;
    uint32_t input_words = 0;
    uint32_t own_words = 0;             ///< LSTM: of its outputs of the step before, after those of the input
    const uint32_t* weights = nullptr;  ///< [block][word][vector][output], each a word
    const uint32_t* biases = nullptr;   ///< [block][vector][output], int32 that corrects the offset too, or float
    const float* scales = nullptr;      ///< [block][vector][output], of integers
};

/// Sequences that an LSTM takes one step further, together.
struct LstmLanes {
    uint32_t count = 0;
    const void* const* inputs = nullptr;  ///< [lane]
    const void* const* before = nullptr;  ///< [lane], its outputs of the step before
    void* const* outputs = nullptr;       ///< [lane], blocks × width activations
    float* states = nullptr;              ///< [lane][blocks × width]
};

/// Columns of pixels, top to bottom; they end in the middle of a word.
struct Columns {
    const uint8_t* first = nullptr;
    size_t stride = 0;  ///< bytes from a column to the next
};
inline constexpr uint32_t patches_of_a_pool = 9;
/// What a convolution weighs for a place: nine patches of 3 × 3 pixels. Mostly they are those of 5 × 5 pixels, row by
/// row; at the edges of a line each has its own.
struct Pool {
    Columns pixels;  ///< null at an edge
    Columns patches[patches_of_a_pool];
};

struct Kernels {
    Activation activation;
    uint32_t width;
    void (*lstm)(const PackedMatrix&, const LstmLanes&, const PairedTables&);
    /// Activations [row][stride bytes] to sums [row][blocks × 4 × width], scaled.
    void (*product)(const PackedMatrix&, const uint8_t* rows, size_t stride, uint32_t count, float* sums);
    /// The greatest tanh of each pool, to [pool][stride bytes].
    void (*convolve)(const PackedMatrix&, const Pool* pools, uint32_t count, uint8_t* to, size_t stride,
                     const PairedTables&);
    /// Rows of sums, stride (vectors, all of them) apart, to what each of the classes is worth. Spoils the rest of a
    /// row.
    void (*softmax)(float* rows, size_t stride, uint32_t count, uint32_t classes);
};

extern const Kernels portable_integers;
extern const Kernels portable_floats;
extern const Kernels avx2_integers;
extern const Kernels avx2_floats;
extern const Kernels avx512_integers;
extern const Kernels avx512_floats;

}  // namespace pg_ocr::recognise
