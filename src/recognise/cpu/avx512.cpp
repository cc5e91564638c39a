// For CPUs with AVX512-VNNI: Intel from Ice Lake on, AMD from Zen 4 on.
#include <immintrin.h>

#include "recognise/cpu/kernels_of.h"

namespace pg_ocr::recognise {
namespace {

struct Avx512 {
    using Reals = __m512;
    static constexpr uint32_t width = 16;
    static constexpr uint32_t tile = 4;  // × 4 gates: 16 of 32 registers; with 6, GCC 12 keeps sums in memory

    static Reals reals(const float* from) { return _mm512_loadu_ps(from); }
    static void store(float* to, Reals x) { _mm512_storeu_ps(to, x); }
    static Reals multiplied(Reals a, Reals b) { return _mm512_mul_ps(a, b); }
    static Reals absolute(Reals x) { return _mm512_abs_ps(x); }
    static __m512i sign(Reals x) {
        return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(static_cast<int>(0x80000000)));
    }
    static Reals with_sign_of(Reals signs, Reals x) {
        return _mm512_castsi512_ps(_mm512_or_si512(sign(signs), _mm512_castps_si512(x)));
    }
    static Reals one_less_where_negative(Reals signs, Reals x) {
        const __mmask16 negative = _mm512_cmp_ps_mask(signs, _mm512_setzero_ps(), _CMP_LT_OQ);
        return _mm512_mask_sub_ps(x, negative, _mm512_set1_ps(1), x);
    }
    /// A product rounded, then a sum rounded: a fused operation would be another function.
    static Reals new_state(Reals state, Reals kept, Reals input, Reals let_in) {
        const Reals sum = _mm512_add_ps(_mm512_mul_ps(state, kept), _mm512_mul_ps(input, let_in));
        return _mm512_max_ps(_mm512_min_ps(sum, _mm512_set1_ps(state_limit)), _mm512_set1_ps(-state_limit));
    }
    static Reals from_table(const float* table, Reals x) {
        x = _mm512_mul_ps(x, _mm512_set1_ps(table_scale));
        const __mmask16 inside = _mm512_cmp_ps_mask(x, _mm512_set1_ps(table_size - 1), _CMP_LT_OQ);
        const __m512i index = _mm512_min_epu32(_mm512_cvttps_epi32(x), _mm512_set1_epi32(table_size - 2));
        // A value and the next one, by one load of 64 bits for both.
        const __m512d first = _mm512_i32gather_pd(_mm512_castsi512_si256(index), table, 4);
        const __m512d second = _mm512_i32gather_pd(_mm512_extracti64x4_epi64(index, 1), table, 4);
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
        const Reals below = _mm512_permutex2var_ps(_mm512_castpd_ps(first), even, _mm512_castpd_ps(second));
        const Reals above = _mm512_permutex2var_ps(_mm512_castpd_ps(first), odd, _mm512_castpd_ps(second));
        const Reals part = _mm512_sub_ps(x, _mm512_cvtepi32_ps(index));
        const Reals value = _mm512_add_ps(below, _mm512_mul_ps(_mm512_sub_ps(above, below), part));
        return _mm512_mask_mov_ps(_mm512_set1_ps(1), inside, value);
    }
};

struct Integers : Avx512 {
    using Weights = __m512i;
    using Sums = __m512i;
    static constexpr Activation activation = Activation::offset_bytes;
    static constexpr uint32_t activation_bytes = 1;

    static Weights weights(const uint32_t* from) { return _mm512_loadu_si512(from); }
    static Sums bias(const uint32_t* from) { return _mm512_loadu_si512(from); }
    static __m512i repeated(const uint8_t* word) { return _mm512_set1_epi32(_mm_cvtsi128_si32(_mm_loadu_si32(word))); }
    static Sums sum(Sums sums, __m512i activations, Weights w) { return _mm512_dpbusd_epi32(sums, activations, w); }
    static Sums greater(Sums a, Sums b) { return _mm512_max_epi32(a, b); }
    static Reals scaled(Sums sums, const float* scales) {
        return _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(scales));
    }
    /// 127 times, half away from zero.
    static void store_activations(uint8_t* to, Reals x) {
        x = _mm512_mul_ps(x, _mm512_set1_ps(127));
        x = _mm512_add_ps(x, with_sign_of(x, _mm512_set1_ps(0.5f)));
        __m512i rounded = _mm512_cvttps_epi32(x);
        rounded = _mm512_max_epi32(_mm512_min_epi32(rounded, _mm512_set1_epi32(127)), _mm512_set1_epi32(-127));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                         _mm512_cvtepi32_epi8(_mm512_add_epi32(rounded, _mm512_set1_epi32(128))));
    }
};

struct Floats : Avx512 {
    using Weights = __m512;
    using Sums = __m512;
    static constexpr Activation activation = Activation::floats;
    static constexpr uint32_t activation_bytes = 4;

    static Weights weights(const uint32_t* from) { return _mm512_loadu_ps(from); }
    static Sums bias(const uint32_t* from) { return _mm512_loadu_ps(from); }
    static __m512 repeated(const uint8_t* word) {
        return _mm512_broadcastss_ps(_mm_castsi128_ps(_mm_loadu_si32(word)));
    }
    static Sums sum(Sums sums, __m512 activations, Weights w) { return _mm512_fmadd_ps(activations, w, sums); }
    static Sums greater(Sums a, Sums b) { return _mm512_max_ps(a, b); }
    static Reals scaled(Sums sums, const float*) { return sums; }
    static void store_activations(uint8_t* to, Reals x) { _mm512_storeu_ps(to, x); }
};

}  // namespace

extern const Kernels avx512_integers = kernels_of<Integers>();
extern const Kernels avx512_floats = kernels_of<Floats>();

}  // namespace pg_ocr::recognise
