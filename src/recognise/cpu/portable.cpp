// For CPUs that no other file is for: vectors of 16 bytes, which the compiler puts into what the CPU has.
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "recognise/cpu/kernels_of.h"

namespace pg_ocr::recognise {
namespace {

using Reals4 = float __attribute__((vector_size(16)));
using Integers4 = int32_t __attribute__((vector_size(16)));
using Shorts4 = int16_t __attribute__((vector_size(8)));

template <class Vector>
Vector loaded(const void* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

template <class Vector, class From>
Vector as(const From& bits) {
    static_assert(sizeof(Vector) == sizeof(From));
    return loaded<Vector>(&bits);
}

struct Portable {
    using Reals = Reals4;
    static constexpr uint32_t width = 4;
    static constexpr uint32_t tile = 2;  // × 4 gates: 8 of 16 registers, where a CPU has no more
    static constexpr bool interleaved = false;

    static Reals reals(const float* from) { return loaded<Reals>(from); }
    static void store(float* to, Reals x) { std::memcpy(to, &x, sizeof x); }
    static Reals all(float x) { return Reals{x, x, x, x}; }
    static Reals multiplied(Reals a, Reals b) { return a * b; }
    static Reals absolute(Reals x) { return as<Reals>(as<Integers4>(x) & 0x7FFFFFFF); }
    static Reals with_sign_of(Reals signs, Reals x) {
        return as<Reals>((as<Integers4>(signs) & ~0x7FFFFFFF) | as<Integers4>(x));
    }
    static Reals one_less_where_negative(Reals signs, Reals x) { return as<Integers4>(signs) < 0 ? 1 - x : x; }
    static Reals new_state(Reals state, Reals kept, Reals input, Reals let_in) {
        const Reals sum = state * kept + input * let_in;
        return within(sum, state_limit);
    }
    static Reals within(Reals x, float limit) {
        x = x < all(limit) ? x : all(limit);
        return x > all(-limit) ? x : all(-limit);
    }
    static Reals divided(Reals a, float b) { return a / b; }
    static Reals greater_real(Reals a, Reals b) { return a > b ? a : b; }
    static Reals greatest_everywhere(Reals x) {
        float most = x[0];
        for (uint32_t i = 1; i < width; ++i) most = x[i] > most ? x[i] : most;
        return all(most);
    }
    static Reals less_than(Reals most, Reals x, float least) {
        x -= most;
        return x > all(least) ? x : all(least);
    }
    /// All by libm, none in doubt.
    static uint32_t store_exp(float* to, Reals x) {
        for (uint32_t i = 0; i < width; ++i) to[i] = expf(x[i]);
        return 0;
    }
    static Reals table_steps(Reals x) { return x * table_scale; }
    static Reals limited(Reals x) {
        x = absolute(x);
        return x < all(table_size - 1) ? x : all(table_size - 1);
    }
    static void store_indices(uint32_t* to, Reals x) {
        const Integers4 indices = __builtin_convertvector(x, Integers4);
        std::memcpy(to, &indices, sizeof indices);
    }
    static Reals between(const PairedTable& table, const uint32_t* indices, Reals x) {
        Reals value;
        Reals rise;
        for (uint32_t i = 0; i < width; ++i) {
            value[i] = table.pairs[indices[i]][0];
            rise[i] = table.pairs[indices[i]][1];
        }
        return value + rise * (x - __builtin_convertvector(loaded<Integers4>(indices), Reals));
    }
};

struct Integers : Portable {
    using Sums = Integers4;
    static constexpr Activation activation = Activation::shorts;
    static constexpr uint32_t activation_bytes = 2;

    static Sums bias(const uint32_t* from) { return loaded<Sums>(from); }
#ifdef __SSE2__
    using Weights = Integers4;
    static Weights weights(const uint32_t* from) { return loaded<Weights>(from); }
    static Integers4 repeated(const uint8_t* word) { return Integers4{} + loaded<int32_t>(word); }
    static Sums sum(Sums sums, Integers4 activations, Weights w) {
        return sums + as<Integers4>(_mm_madd_epi16(as<__m128i>(activations), as<__m128i>(w)));
    }
#else
    /// Both shorts of each word.
    struct Weights {
        Integers4 first, second;
    };
    using Activations = Weights;
    static Weights parted(Integers4 words) {
        if constexpr (std::endian::native == std::endian::little)
            return {(words << 16) >> 16, words >> 16};
        else
            return {words >> 16, (words << 16) >> 16};
    }
    static Weights weights(const uint32_t* from) { return parted(loaded<Integers4>(from)); }
    static Activations repeated(const uint8_t* word) { return parted(Integers4{} + loaded<int32_t>(word)); }
    static Sums sum(Sums sums, const Activations& activations, const Weights& w) {
        return sums + activations.first * w.first + activations.second * w.second;
    }
#endif
    static Sums greater(Sums a, Sums b) { return a > b ? a : b; }
    static Reals scaled(Sums sums, const float* scales) { return __builtin_convertvector(sums, Reals) * reals(scales); }
    /// 127 times, half away from zero.
    static void store_activations(uint8_t* to, Reals x) {
        x = within(x * 127, 127);
        x += with_sign_of(x, all(0.5f));
        const Shorts4 rounded = __builtin_convertvector(__builtin_convertvector(x, Integers4), Shorts4);
        std::memcpy(to, &rounded, sizeof rounded);
    }
};

struct Floats : Portable {
    using Weights = Reals4;
    using Sums = Reals4;
    static constexpr Activation activation = Activation::floats;
    static constexpr uint32_t activation_bytes = 4;

    static Weights weights(const uint32_t* from) { return loaded<Weights>(from); }
    static Sums bias(const uint32_t* from) { return loaded<Sums>(from); }
    static Reals4 repeated(const uint8_t* word) { return all(loaded<float>(word)); }
    static Sums sum(Sums sums, Reals4 activations, Weights w) { return sums + activations * w; }
    static Sums greater(Sums a, Sums b) { return a > b ? a : b; }
    static Reals scaled(Sums sums, const float*) { return sums; }
    static void store_activations(uint8_t* to, Reals x) { std::memcpy(to, &x, sizeof x); }
};

}  // namespace

extern const Kernels portable_integers = kernels_of<Integers>();
extern const Kernels portable_floats = kernels_of<Floats>();

}  // namespace pg_ocr::recognise
