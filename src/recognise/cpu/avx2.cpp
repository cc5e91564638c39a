// For CPUs with AVX2 and FMA: Intel from Haswell on, AMD from Zen on.
#include <immintrin.h>

#include "recognise/cpu/kernels_of.h"

namespace pg_ocr::recognise {
namespace {

struct Avx2 {
    using Reals = __m256;
    static constexpr uint32_t width = 8;
    static constexpr uint32_t tile = 2;  // × 4 gates: 8 of 16 registers

    static Reals reals(const float* from) { return _mm256_loadu_ps(from); }
    static void store(float* to, Reals x) { _mm256_storeu_ps(to, x); }
    static Reals multiplied(Reals a, Reals b) { return _mm256_mul_ps(a, b); }
    static Reals absolute(Reals x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
    static Reals with_sign_of(Reals signs, Reals x) {
        return _mm256_or_ps(_mm256_and_ps(_mm256_set1_ps(-0.0f), signs), x);
    }
    static Reals one_less_where_negative(Reals signs, Reals x) {
        return _mm256_blendv_ps(x, _mm256_sub_ps(_mm256_set1_ps(1), x), signs);
    }
    /// A product rounded, then a sum rounded: a fused operation would be another function.
    static Reals new_state(Reals state, Reals kept, Reals input, Reals let_in) {
        const Reals sum = _mm256_add_ps(_mm256_mul_ps(state, kept), _mm256_mul_ps(input, let_in));
        return _mm256_max_ps(_mm256_min_ps(sum, _mm256_set1_ps(state_limit)), _mm256_set1_ps(-state_limit));
    }
    static Reals from_table(const float* table, Reals x) {
        x = _mm256_mul_ps(x, _mm256_set1_ps(table_scale));
        const Reals inside = _mm256_cmp_ps(x, _mm256_set1_ps(table_size - 1), _CMP_LT_OQ);
        const __m256i index = _mm256_min_epu32(_mm256_cvttps_epi32(x), _mm256_set1_epi32(table_size - 2));
        // A value and the next one, by one load of 64 bits for both. In this order, shuffles of halves sort them.
        const __m256i order = _mm256_permute4x64_epi64(index, 0b11'01'10'00);
        const auto* pairs = reinterpret_cast<const double*>(table);
        const Reals first = _mm256_castpd_ps(_mm256_i32gather_pd(pairs, _mm256_castsi256_si128(order), 4));
        const Reals second = _mm256_castpd_ps(_mm256_i32gather_pd(pairs, _mm256_extracti128_si256(order, 1), 4));
        const Reals below = _mm256_shuffle_ps(first, second, 0b10'00'10'00);
        const Reals above = _mm256_shuffle_ps(first, second, 0b11'01'11'01);
        const Reals part = _mm256_sub_ps(x, _mm256_cvtepi32_ps(index));
        const Reals value = _mm256_add_ps(below, _mm256_mul_ps(_mm256_sub_ps(above, below), part));
        return _mm256_blendv_ps(_mm256_set1_ps(1), value, inside);
    }
};

struct Integers : Avx2 {
    using Weights = __m256i;
    using Sums = __m256i;
    static constexpr Activation activation = Activation::shorts;  // pairs of bytes would saturate
    static constexpr uint32_t activation_bytes = 2;

    static __m256i load(const uint32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
    static Weights weights(const uint32_t* from) { return load(from); }
    static Sums bias(const uint32_t* from) { return load(from); }
    static __m256i repeated(const uint8_t* word) { return _mm256_set1_epi32(_mm_cvtsi128_si32(_mm_loadu_si32(word))); }
    static Sums sum(Sums sums, __m256i activations, Weights w) {
        return _mm256_add_epi32(sums, _mm256_madd_epi16(activations, w));
    }
    static Sums greater(Sums a, Sums b) { return _mm256_max_epi32(a, b); }
    static Reals scaled(Sums sums, const float* scales) {
        return _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_loadu_ps(scales));
    }
    /// 127 times, half away from zero.
    static void store_activations(uint8_t* to, Reals x) {
        x = _mm256_mul_ps(x, _mm256_set1_ps(127));
        x = _mm256_add_ps(x, with_sign_of(x, _mm256_set1_ps(0.5f)));
        __m256i rounded = _mm256_cvttps_epi32(x);
        rounded = _mm256_max_epi32(_mm256_min_epi32(rounded, _mm256_set1_epi32(127)), _mm256_set1_epi32(-127));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                         _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1)));
    }
};

struct Floats : Avx2 {
    using Weights = __m256;
    using Sums = __m256;
    static constexpr Activation activation = Activation::floats;
    static constexpr uint32_t activation_bytes = 4;

    static const float* floats(const void* from) { return static_cast<const float*>(from); }
    static Weights weights(const uint32_t* from) { return _mm256_loadu_ps(floats(from)); }
    static Sums bias(const uint32_t* from) { return _mm256_loadu_ps(floats(from)); }
    static __m256 repeated(const uint8_t* word) { return _mm256_broadcast_ss(floats(word)); }
    static Sums sum(Sums sums, __m256 activations, Weights w) { return _mm256_fmadd_ps(activations, w, sums); }
    static Sums greater(Sums a, Sums b) { return _mm256_max_ps(a, b); }
    static Reals scaled(Sums sums, const float*) { return sums; }
    static void store_activations(uint8_t* to, Reals x) { _mm256_storeu_ps(reinterpret_cast<float*>(to), x); }
};

}  // namespace

extern const Kernels avx2_integers = kernels_of<Integers>();
extern const Kernels avx2_floats = kernels_of<Floats>();

}  // namespace pg_ocr::recognise
