// For CPUs with AVX2 and FMA: Intel from Haswell on, AMD from Zen on.
#include <immintrin.h>

#include "recognise/cpu/kernels_of.h"

namespace pg_ocr::recognise {
namespace {

struct Avx2 {
    using Reals = __m256;
    static constexpr uint32_t width = 8;
    static constexpr uint32_t tile = 2;  // × 4 gates: 8 of 16 registers
    static constexpr bool interleaved = false;

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
    /// The entries of two indices, by loads of 64 bits: CPUs gather more slowly.
    [[gnu::always_inline]] static __m128 two_pairs(const PairedTable& table, const uint32_t* indices) {
        uint64_t both = 0;
        __builtin_memcpy(&both, indices, sizeof both);
        const auto* pairs = reinterpret_cast<const __m64*>(table.pairs);
        return _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), pairs + static_cast<uint32_t>(both)), pairs + (both >> 32));
    }
    static Reals table_steps(Reals x) { return multiplied(x, _mm256_set1_ps(table_scale)); }
    static Reals divided(Reals a, float b) { return _mm256_div_ps(a, _mm256_set1_ps(b)); }
    static Reals greater_real(Reals a, Reals b) { return _mm256_max_ps(a, b); }
    static Reals greatest_everywhere(Reals x) {
        x = _mm256_max_ps(x, _mm256_permute2f128_ps(x, x, 1));
        x = _mm256_max_ps(x, _mm256_permute_ps(x, 0b01'00'11'10));
        return _mm256_max_ps(x, _mm256_permute_ps(x, 0b10'11'00'01));
    }
    static Reals less_than(Reals most, Reals x, float least) {
        return _mm256_max_ps(_mm256_sub_ps(x, most), _mm256_set1_ps(least));
    }
    /// e to some numbers, and which of them may be rounded the wrong way.
    struct Exps {
        __m128 values;
        uint32_t doubts;
    };
    [[gnu::always_inline]] static Exps exp_of(__m128 x) {
        const __m256d shift = _mm256_set1_pd(0x1.8p52);  // an integer's bits then come last
        const __m256d power = _mm256_mul_pd(_mm256_cvtps_pd(x), _mm256_set1_pd(1 / two_to_the.of[1]));
        const __m256d shifted = _mm256_add_pd(power, shift);
        const __m256d part = _mm256_sub_pd(power, _mm256_sub_pd(shifted, shift));
        __m256d sum = _mm256_set1_pd(two_to_the.of[exp_terms - 1]);
        for (uint32_t term = exp_terms - 1; term-- > 0;)
            sum = _mm256_fmadd_pd(sum, part, _mm256_set1_pd(two_to_the.of[term]));
        const __m256i bits =
            _mm256_add_epi64(_mm256_castpd_si256(sum), _mm256_slli_epi64(_mm256_castpd_si256(shifted), 52));
        const __m256i rest = _mm256_and_si256(bits, _mm256_set1_epi64x((1 << float_rest_bits) - 1));
        const __m256i half = _mm256_set1_epi64x(1 << (float_rest_bits - 1));
        const __m256i reach = _mm256_set1_epi64x(doubtful_rest);
        const __m256i doubtful = _mm256_and_si256(_mm256_cmpgt_epi64(rest, _mm256_sub_epi64(half, reach)),
                                                  _mm256_cmpgt_epi64(_mm256_add_epi64(half, reach), rest));
        return {_mm256_cvtpd_ps(_mm256_castsi256_pd(bits)),
                static_cast<uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(doubtful)))};
    }
    static uint32_t store_exp(float* to, Reals x) {
        const Exps low = exp_of(_mm256_castps256_ps128(x));
        const Exps high = exp_of(_mm256_extractf128_ps(x, 1));
        _mm_storeu_ps(to, low.values);
        _mm_storeu_ps(to + 4, high.values);
        return low.doubts | high.doubts << 4;
    }
    [[gnu::always_inline]] static Reals limited(Reals x) {
        return _mm256_min_ps(absolute(x), _mm256_set1_ps(table_size - 1));
    }
    static void store_indices(uint32_t* to, Reals x) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_cvttps_epi32(x));
    }
    [[gnu::always_inline]] static Reals between(const PairedTable& table, const uint32_t* indices, Reals x) {
        const auto joined = [](__m128 a, __m128 b) __attribute__((always_inline)) {
            return _mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
        };
        const Reals first = joined(two_pairs(table, indices), two_pairs(table, indices + 4));
        const Reals second = joined(two_pairs(table, indices + 2), two_pairs(table, indices + 6));
        const Reals value = _mm256_shuffle_ps(first, second, 0b10'00'10'00);
        const Reals rise = _mm256_shuffle_ps(first, second, 0b11'01'11'01);
        const Reals below = _mm256_cvtepi32_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(indices)));
        return _mm256_add_ps(value, _mm256_mul_ps(rise, _mm256_sub_ps(x, below)));
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
