// For CPUs with AVX512-VNNI: Intel from Ice Lake on, AMD from Zen 4 on.
#include <immintrin.h>

#include "recognise/cpu/kernels_of.h"

namespace pg_ocr::recognise {
namespace {

struct Avx512 {
    using Reals = __m512;
    static constexpr uint32_t width = 16;
    static constexpr uint32_t tile = 4;  // × 4 gates: 16 of 32 registers; more are not faster

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
        return _mm512_mask_sub_ps(x, _mm512_movepi32_mask(_mm512_castps_si512(signs)), _mm512_set1_ps(1), x);
    }
    /// A product rounded, then a sum rounded: a fused operation would be another function.
    static Reals new_state(Reals state, Reals kept, Reals input, Reals let_in) {
        const Reals sum = _mm512_add_ps(_mm512_mul_ps(state, kept), _mm512_mul_ps(input, let_in));
        return _mm512_max_ps(_mm512_min_ps(sum, _mm512_set1_ps(state_limit)), _mm512_set1_ps(-state_limit));
    }
    /// The entries of two indices, by loads of 64 bits: CPUs gather more slowly.
    [[gnu::always_inline]] static __m128 two_pairs(const PairedTable& table, const uint32_t* indices) {
        uint64_t both = 0;
        __builtin_memcpy(&both, indices, sizeof both);
        const auto* pairs = reinterpret_cast<const __m64*>(table.pairs);
        return _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), pairs + static_cast<uint32_t>(both)), pairs + (both >> 32));
    }
    [[gnu::always_inline]] static __m512 joined(__m128 a, __m128 b, __m128 c, __m128 d) {
        return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1)),
                                  _mm256_insertf128_ps(_mm256_castps128_ps256(c), d, 1), 1);
    }
    static Reals table_steps(Reals x) { return multiplied(x, _mm512_set1_ps(table_scale)); }
    static Reals divided(Reals a, float b) { return _mm512_div_ps(a, _mm512_set1_ps(b)); }
    static Reals greater_real(Reals a, Reals b) { return _mm512_max_ps(a, b); }
    static Reals greatest_everywhere(Reals x) { return _mm512_set1_ps(_mm512_reduce_max_ps(x)); }
    static Reals less_than(Reals most, Reals x, float least) {
        return _mm512_max_ps(_mm512_sub_ps(x, most), _mm512_set1_ps(least));
    }
    /// e to some numbers, and which of them may be rounded the wrong way.
    struct Exps {
        __m256 values;
        __mmask8 doubts;
    };
    [[gnu::always_inline]] static Exps exp_of(__m256 x) {
        const __m512d shift = _mm512_set1_pd(0x1.8p52);  // an integer's bits then come last
        const __m512d power = _mm512_mul_pd(_mm512_cvtps_pd(x), _mm512_set1_pd(1 / two_to_the.of[1]));
        const __m512d shifted = _mm512_add_pd(power, shift);
        const __m512d part = _mm512_sub_pd(power, _mm512_sub_pd(shifted, shift));
        __m512d sum = _mm512_set1_pd(two_to_the.of[exp_terms - 1]);
        for (uint32_t term = exp_terms - 1; term-- > 0;)
            sum = _mm512_fmadd_pd(sum, part, _mm512_set1_pd(two_to_the.of[term]));
        const __m512i bits =
            _mm512_add_epi64(_mm512_castpd_si512(sum), _mm512_slli_epi64(_mm512_castpd_si512(shifted), 52));
        const __m512i rest = _mm512_and_si512(bits, _mm512_set1_epi64((1 << float_rest_bits) - 1));
        const __m512i off = _mm512_sub_epi64(rest, _mm512_set1_epi64((1 << (float_rest_bits - 1)) - doubtful_rest));
        return {_mm512_cvtpd_ps(_mm512_castsi512_pd(bits)),
                _mm512_cmplt_epu64_mask(off, _mm512_set1_epi64(2 * doubtful_rest))};
    }
    static uint32_t store_exp(float* to, Reals x) {
        const Exps low = exp_of(_mm512_castps512_ps256(x));
        const Exps high = exp_of(_mm512_extractf32x8_ps(x, 1));
        _mm256_storeu_ps(to, low.values);
        _mm256_storeu_ps(to + 8, high.values);
        return static_cast<uint32_t>(low.doubts) | static_cast<uint32_t>(high.doubts) << 8;
    }
    [[gnu::always_inline]] static Reals limited(Reals x) {
        return _mm512_min_ps(absolute(x), _mm512_set1_ps(table_size - 1));
    }
    static void store_indices(uint32_t* to, Reals x) { _mm512_store_si512(to, _mm512_cvttps_epi32(x)); }
    [[gnu::always_inline]] static Reals between(const PairedTable& table, const uint32_t* indices, Reals x) {
        const Reals first = joined(two_pairs(table, indices), two_pairs(table, indices + 4),
                                   two_pairs(table, indices + 8), two_pairs(table, indices + 12));
        const Reals second = joined(two_pairs(table, indices + 2), two_pairs(table, indices + 6),
                                    two_pairs(table, indices + 10), two_pairs(table, indices + 14));
        const Reals value = _mm512_shuffle_ps(first, second, 0b10'00'10'00);
        const Reals rise = _mm512_shuffle_ps(first, second, 0b11'01'11'01);
        const Reals below = _mm512_cvtepi32_ps(_mm512_load_si512(indices));
        return _mm512_add_ps(value, _mm512_mul_ps(rise, _mm512_sub_ps(x, below)));
    }
};

struct Integers : Avx512 {
    using Weights = __m512i;
    using Sums = __m512i;
    static constexpr Activation activation = Activation::offset_bytes;
    static constexpr uint32_t activation_bytes = 1;
    static constexpr bool interleaved = true;

    static Weights weights(const uint32_t* from) { return _mm512_loadu_si512(from); }
    static Sums bias(const uint32_t* from) { return _mm512_loadu_si512(from); }
    static __m512i repeated(const uint8_t* word) { return _mm512_set1_epi32(_mm_cvtsi128_si32(_mm_loadu_si32(word))); }
    /// Of the intrinsic, GCC 12 copies every sum to and fro.
    static Sums sum(Sums sums, __m512i activations, Weights w) {
        asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(activations), "v"(w));
        return sums;
    }
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
    static constexpr bool interleaved = false;

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
