// For CPUs with AVX2: Intel from Haswell on, AMD from Excavator on.
#include <immintrin.h>

#include "engine/layout/line_scaling_kernels.h"

namespace pg_ocr {
namespace {

__m128i loaded_half(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
__m256i loaded(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
void store(void* to, __m256i values) { _mm256_storeu_si256(static_cast<__m256i*>(to), values); }

/// 16 numbers below 256 as bytes.
void store_bytes(uint8_t* to, __m256i numbers) {
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(numbers, numbers), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(bytes));
}

/// Of two blocks, the sums of their bytes in pairs.
__m256i pairs(const ColumnBlocks& columns, const uint8_t* row, uint32_t low, uint32_t high) {
    const auto both = [](const uint8_t* low_half, const uint8_t* high_half) {
        return _mm256_inserti128_si256(_mm256_castsi128_si256(loaded_half(low_half)), loaded_half(high_half), 1);
    };
    const __m256i pixels = both(row + columns.first[low], row + columns.first[high]);
    const __m256i order = both(columns.order + size_t{16} * low, columns.order + size_t{16} * high);
    const __m256i weights = both(columns.weights + size_t{16} * low, columns.weights + size_t{16} * high);
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(pixels, order), weights);
}

void add_pairs(const ColumnBlocks& columns, const uint8_t* row, uint16_t* sums) {
    for (uint32_t block = 0; block < columns.blocks; block += 2, sums += columns_at_once)
        store(sums, pairs(columns, row, block, block + 1));
}

void add_fours(const ColumnBlocks& columns, const uint8_t* row, uint16_t* sums) {
    for (uint32_t block = 0; block < columns.blocks; block += 4, sums += columns_at_once)
        store(sums,
              _mm256_hadd_epi16(pairs(columns, row, block, block + 2), pairs(columns, row, block + 1, block + 3)));
}

void interpolate(const WeighedRows& rows, uint32_t width, uint8_t* to) {
    const __m256i upper = _mm256_set1_epi16(static_cast<int16_t>(rows.weights[0]));
    const __m256i lower = _mm256_set1_epi16(static_cast<int16_t>(rows.weights[1]));
    const __m256i half = _mm256_set1_epi16(128);
    for (uint32_t x = 0; x < width; x += columns_at_once) {
        const __m256i sum = _mm256_add_epi16(_mm256_mullo_epi16(loaded(rows.rows[0] + x), upper),
                                             _mm256_mullo_epi16(loaded(rows.rows[1] + x), lower));
        store_bytes(to + x, _mm256_srli_epi16(_mm256_add_epi16(sum, half), 8));
    }
}

/// Half a unit more than the sum makes up for what the inverses lack, and is too little to reach the next number.
__m256i divided(__m256i sums, __m256 inverses, __m256 inverse) {
    const __m256 raised = _mm256_add_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(128.5f));
    return _mm256_cvttps_epi32(_mm256_mul_ps(_mm256_mul_ps(raised, inverses), inverse));
}

void average(const WeighedRows& rows, const float* inverses, float inverse, uint32_t width, uint8_t* to) {
    const auto both = [&](uint32_t i) { return _mm256_set1_epi32(rows.weights[i] | rows.weights[i + 1] << 16); };
    const __m256i upper = both(0), lower = both(2);
    const __m256 of_row = _mm256_set1_ps(inverse);
    for (uint32_t x = 0; x < width; x += columns_at_once) {
        const __m256i first = loaded(rows.rows[0] + x), second = loaded(rows.rows[1] + x);
        const __m256i third = loaded(rows.rows[2] + x), fourth = loaded(rows.rows[3] + x);
        const __m256i low = _mm256_add_epi32(_mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), upper),
                                             _mm256_madd_epi16(_mm256_unpacklo_epi16(third, fourth), lower));
        const __m256i high = _mm256_add_epi32(_mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), upper),
                                              _mm256_madd_epi16(_mm256_unpackhi_epi16(third, fourth), lower));
        const __m256 left = _mm256_loadu_ps(inverses + x), right = _mm256_loadu_ps(inverses + x + 8);
        store_bytes(to + x, _mm256_packus_epi32(divided(low, _mm256_permute2f128_ps(left, right, 0x20), of_row),
                                                divided(high, _mm256_permute2f128_ps(left, right, 0x31), of_row)));
    }
}

__m256i widened(const uint8_t* pixels) { return _mm256_cvtepu8_epi16(loaded_half(pixels)); }

/// Rounded half up; what is below 0 becomes 0.
__m256i sharp(__m256i pixels, __m256i sums, __m256 inverse, __m256 sharpness) {
    const __m256 pixel = _mm256_cvtepi32_ps(pixels);
    const __m256 above = _mm256_sub_ps(pixel, _mm256_mul_ps(inverse, _mm256_cvtepi32_ps(sums)));
    const __m256 value = _mm256_max_ps(_mm256_add_ps(pixel, _mm256_mul_ps(sharpness, above)), _mm256_setzero_ps());
    const __m256i whole = _mm256_cvttps_epi32(value);
    const __m256 fraction = _mm256_sub_ps(value, _mm256_cvtepi32_ps(whole));
    const __m256 is_up = _mm256_cmp_ps(fraction, _mm256_set1_ps(0.5f), _CMP_GE_OQ);
    return _mm256_sub_epi32(whole, _mm256_castps_si256(is_up));
}

void sharpen(const uint8_t* const* rows, uint32_t half, float sharpness, uint32_t width, uint16_t* sums, uint8_t* to) {
    const uint32_t side = 2 * half + 1;
    for (uint32_t x = 0; x < width; x += columns_at_once) {
        __m256i sum = widened(rows[0] + x);
        for (uint32_t i = 1; i < side; ++i) sum = _mm256_add_epi16(sum, widened(rows[i] + x));
        store(sums + x, sum);
    }
    const __m256 inverse = _mm256_set1_ps(1.0f / static_cast<float>(side * side));
    const __m256 by = _mm256_set1_ps(sharpness);
    for (uint32_t x = 0; x + 2 * half < width; x += columns_at_once) {
        __m256i sum = loaded(sums + x);
        for (uint32_t i = 1; i < side; ++i) sum = _mm256_add_epi16(sum, loaded(sums + x + i));
        const __m256i pixels = widened(rows[half] + x + half), zero = _mm256_setzero_si256();
        const __m256i low = sharp(_mm256_unpacklo_epi16(pixels, zero), _mm256_unpacklo_epi16(sum, zero), inverse, by);
        const __m256i high = sharp(_mm256_unpackhi_epi16(pixels, zero), _mm256_unpackhi_epi16(sum, zero), inverse, by);
        store_bytes(to + x, _mm256_packus_epi32(low, high));
    }
}

}  // namespace

constinit const LineScalingKernels avx2_line_scaling = {add_pairs, add_fours, interpolate, average, sharpen};

}  // namespace pg_ocr
