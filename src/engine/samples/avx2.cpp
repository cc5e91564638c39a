// For CPUs with AVX2: Intel from Haswell on, AMD from Excavator on.
//
// By Paeth's filter a pixel has to wait for the one on its left, ten steps or so of the CPU, in which it could have
// done as much for others. So rows that follow each other are undone together, each a pixel behind the one above it:
//
//     row 0    . . . . x            x: the pixels of one step, each of which needs what the steps before gave: on its
//     row 1    . . . x                 left what its own row gave in the step before, above what the row above gave
//     row 2    . . x                   in that step, and beside that what it gave in the step before that
//     row 3    . x
//
// A vector has a lane of 16 bits for each byte of these.
#include <immintrin.h>

#include "engine/samples/plain_rows.h"

namespace pg_ocr {
namespace {

int32_t four_bytes(const uint8_t* from) {
    int32_t bytes = 0;
    __builtin_memcpy(&bytes, from, sizeof bytes);
    return bytes;
}

void put_four_bytes(int32_t bytes, uint8_t* to) { __builtin_memcpy(to, &bytes, sizeof bytes); }

struct EightLanes {
    using Vector = __m128i;
    static Vector zero() { return _mm_setzero_si128(); }
    static Vector byte_mask() { return _mm_set1_epi16(0xff); }
    static Vector sum(Vector a, Vector b) { return _mm_add_epi16(a, b); }
    static Vector difference(Vector a, Vector b) { return _mm_sub_epi16(a, b); }
    static Vector lesser(Vector a, Vector b) { return _mm_min_epi16(a, b); }
    static Vector greater(Vector a, Vector b) { return _mm_max_epi16(a, b); }
    static Vector both(Vector a, Vector b) { return _mm_and_si128(a, b); }
    /// The third where the first is greater than the second, else the last.
    static Vector chosen(Vector a, Vector b, Vector this_one, Vector else_this) {
        return _mm_blendv_epi8(else_this, this_one, _mm_cmpgt_epi16(a, b));
    }
};

struct SixteenLanes {
    using Vector = __m256i;
    static Vector zero() { return _mm256_setzero_si256(); }
    static Vector byte_mask() { return _mm256_set1_epi16(0xff); }
    static Vector sum(Vector a, Vector b) { return _mm256_add_epi16(a, b); }
    static Vector difference(Vector a, Vector b) { return _mm256_sub_epi16(a, b); }
    static Vector lesser(Vector a, Vector b) { return _mm256_min_epi16(a, b); }
    static Vector greater(Vector a, Vector b) { return _mm256_max_epi16(a, b); }
    static Vector both(Vector a, Vector b) { return _mm256_and_si256(a, b); }
    static Vector chosen(Vector a, Vector b, Vector this_one, Vector else_this) {
        return _mm256_blendv_epi8(else_this, this_one, _mm256_cmpgt_epi16(a, b));
    }
};

/// Pixels of one byte, of eight rows.
struct Greys : EightLanes {
    static constexpr size_t rows = 8, pixel_size = 1, in_memory = 1;
    /// Of each row a pixel, `stride` bytes apart.
    static Vector loaded(const uint8_t* from, size_t stride) {
        const auto byte = [=](size_t row) { return static_cast<char>(from[row * stride]); };
        return _mm_cvtepu8_epi16(_mm_setr_epi8(byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7),
                                               0, 0, 0, 0, 0, 0, 0, 0));
    }
    static void store(Vector pixels, uint8_t* to, size_t stride) {
        uint64_t bytes = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_packus_epi16(pixels, pixels)));
        for (size_t i = 0; i < rows; ++i, bytes >>= 8) to[i * stride] = static_cast<uint8_t>(bytes);
    }
    /// What each row's neighbour above has, the first the pixel at `top`.
    static Vector moved_down(Vector pixels, const uint8_t* top) {
        return _mm_or_si128(_mm_bslli_si128(pixels, 2), _mm_cvtsi32_si128(*top));
    }
};

/// Pixels of three bytes or four, of four rows. Of three, the fourth lane has what is not needed.
template <size_t bytes>
struct Colours : SixteenLanes {
    static constexpr size_t rows = 4, pixel_size = bytes, in_memory = 4;
    static Vector loaded(const uint8_t* from, size_t stride) {
        return _mm256_cvtepu8_epi16(_mm_setr_epi32(four_bytes(from), four_bytes(from + stride),
                                                   four_bytes(from + 2 * stride), four_bytes(from + 3 * stride)));
    }
    static void store(Vector pixels, uint8_t* to, size_t stride) {
        const __m128i words = _mm_packus_epi16(_mm256_castsi256_si128(pixels), _mm256_extracti128_si256(pixels, 1));
        put_four_bytes(_mm_cvtsi128_si32(words), to);
        put_four_bytes(_mm_extract_epi32(words, 1), to + stride);
        put_four_bytes(_mm_extract_epi32(words, 2), to + 2 * stride);
        put_four_bytes(_mm_extract_epi32(words, 3), to + 3 * stride);
    }
    static Vector moved_down(Vector pixels, const uint8_t* top) {
        const __m128i first = _mm_cvtepu8_epi16(_mm_cvtsi32_si128(four_bytes(top)));
        return _mm256_blend_epi32(_mm256_permute4x64_epi64(pixels, 0x90), _mm256_castsi128_si256(first), 0x03);
    }
};

/// The same of one row, whose bytes do not wait for each other at least.
template <size_t bytes>
struct ColoursOfOneRow : EightLanes {
    static constexpr size_t rows = 1, pixel_size = bytes, in_memory = 4;
    static Vector loaded(const uint8_t* from, size_t) { return _mm_cvtepu8_epi16(_mm_cvtsi32_si128(four_bytes(from))); }
    static void store(Vector pixels, uint8_t* to, size_t) {
        put_four_bytes(_mm_cvtsi128_si32(_mm_packus_epi16(pixels, pixels)), to);
    }
    static Vector moved_down(Vector, const uint8_t* top) { return loaded(top, 0); }
};

/// What has been undone of rows that are undone together.
template <class Pixels>
struct Front {
    using Vector = typename Pixels::Vector;
    Vector left = Pixels::zero(), corner = Pixels::zero();

    /// One pixel of each row: `raw` is what is stored of it, `top` where the one above the first row's is.
    Vector next(Vector raw, const uint8_t* top) {
        const Vector above = Pixels::moved_down(left, top);
        // As paeth() has it.
        const Vector thrice = Pixels::sum(corner, Pixels::sum(corner, corner));
        const Vector limit = Pixels::difference(Pixels::difference(thrice, above), left);
        const Vector lesser = Pixels::lesser(left, above), greater = Pixels::greater(left, above);
        const Vector other = Pixels::chosen(greater, limit, corner, lesser);
        const Vector predicted = Pixels::chosen(limit, lesser, other, greater);
        corner = above;
        left = Pixels::both(Pixels::sum(raw, predicted), Pixels::byte_mask());
        return left;
    }
};

/// As many rows as a vector has, all of Paeth's filter.
template <class Pixels>
void undo_together(const FilteredRows& rows, uint8_t* to, size_t stride) {
    constexpr size_t size = Pixels::pixel_size, last = Pixels::rows - 1;
    const size_t pixels = rows.row_size / size;
    const uint8_t* from = rows.bytes + 1;
    const uint8_t* top = to - stride;
    // From a row's pixel to that of the next row a pixel to the left.
    const size_t from_slant = rows.row_size + 1 - size, to_slant = stride - size;
    Front<Pixels> front;
    // At both ends there are rows that have no pixel in the step: of zeros left of a row zeros are made, and what is
    // made behind it is not needed.
    const auto step_at_an_end = [&](size_t step) {
        constexpr size_t place = Pixels::in_memory;
        uint8_t raw[Pixels::rows * place] = {}, undone[Pixels::rows * place];
        const auto is_inside = [=](size_t row) { return step >= row && step - row < pixels; };
        for (size_t row = 0; row < Pixels::rows; ++row)
            for (size_t k = 0; k < size; ++k)
                if (is_inside(row)) raw[row * place + k] = from[step * size + row * from_slant + k];
        const uint8_t nothing[place] = {};
        Pixels::store(front.next(Pixels::loaded(raw, place), step < pixels ? top + step * size : nothing), undone,
                      place);
        for (size_t row = 0; row < Pixels::rows; ++row)
            for (size_t k = 0; k < size; ++k)
                if (is_inside(row)) to[step * size + row * to_slant + k] = undone[row * place + k];
    };
    size_t step = 0;
    for (; step < last; ++step) step_at_an_end(step);
    for (; step < pixels; ++step)
        Pixels::store(front.next(Pixels::loaded(from + step * size, from_slant), top + step * size), to + step * size,
                      to_slant);
    for (; step < pixels + last; ++step) step_at_an_end(step);
}

template <class Pixels>
void undo_runs(const FilteredRows& rows, uint8_t* to, size_t stride) {
    for (size_t y = 0; y < rows.count;) {
        const uint8_t* row = rows.bytes + y * (rows.row_size + 1);
        uint8_t* undone = to + y * stride;
        size_t run = 0;
        while (run < Pixels::rows && y + run < rows.count && row[run * (rows.row_size + 1)] == from_paeth) ++run;
        if (run == Pixels::rows) {
            undo_together<Pixels>({row, run, rows.row_size, rows.pixel_size}, undone, stride);
            y += run;
        } else if (run > 0 && Pixels::pixel_size >= 3) {
            undo_together<ColoursOfOneRow<Pixels::pixel_size>>({row, 1, rows.row_size, rows.pixel_size}, undone,
                                                               stride);
            ++y;
        } else {
            undo_row<Pixels::pixel_size>(row[0], row + 1, rows.row_size, undone - stride, undone);
            ++y;
        }
    }
}

void undo_filters(const FilteredRows& rows, uint8_t* to, size_t stride) {
    switch (rows.pixel_size) {
        case 1:
            return undo_runs<Greys>(rows, to, stride);
        case 3:
            return undo_runs<Colours<3>>(rows, to, stride);
        case 4:
            return undo_runs<Colours<4>>(rows, to, stride);
        default:
            return portable_samples.undo_filters(rows, to, stride);
    }
}

/// Eight pixels: four weighted sums of two bytes each in either half.
template <size_t size>
__m256i weighed(const uint8_t* colours) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(colours));
    const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(colours + 4 * size));
    constexpr char none = -1, s = size;
    // The last of four pixels comes first, as in a word's memory.
    const __m256i order = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        3 * s, 3 * s + 1, 3 * s + 2, none, 2 * s, 2 * s + 1, 2 * s + 2, none, s, s + 1, s + 2, none, 0, 1, 2, none));
    const __m256i weights = _mm256_set1_epi32(0x00020503);
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(_mm256_set_m128i(second, first), order), weights);
}

template <size_t size>
void grey_by_sixteen(const uint8_t* colours, size_t pixels, uint32_t* to) {
    constexpr size_t at_once = 16, read_beyond = 2;
    size_t x = 0;
    for (; x + at_once + read_beyond <= pixels; x += at_once) {
        const uint8_t* from = colours + x * size;
        const __m256i sums = _mm256_hadd_epi16(weighed<size>(from), weighed<size>(from + 8 * size));
        // A tenth: the product is exact for all that three bytes can give.
        const __m256i tenths =
            _mm256_mulhi_epu16(_mm256_add_epi16(sums, _mm256_set1_epi16(5)), _mm256_set1_epi16(6554));
        const __m256i bytes = _mm256_packus_epi16(tenths, tenths);
        const __m128i words = _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + x / 4), words);
    }
    grey_from(x, colours, size, pixels, to);
}

void grey_of(const uint8_t* colours, size_t pixel_size, size_t pixels, uint32_t* to) {
    pixel_size == 3 ? grey_by_sixteen<3>(colours, pixels, to) : grey_by_sixteen<4>(colours, pixels, to);
}

}  // namespace

constinit const SampleKernels avx2_samples = {"AVX2", [] { return __builtin_cpu_supports("avx2") != 0; }, undo_filters,
                                              grey_of};

}  // namespace pg_ocr
