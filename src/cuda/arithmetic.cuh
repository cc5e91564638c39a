// The arithmetic of networks on a card: of integers the same to the last bit as recognise/nonlinear.h and the reference
// have it. Every product and every sum says how it is rounded, so that no compiler fuses two of them.
#pragma once

#include <cstdint>

#include "cuda/kernel_layouts.h"

namespace pg_ocr {

__device__ float within(float x, float most) { return x < -most ? -most : most < x ? most : x; }

/// Half away from zero.
__device__ int nearest(float x) {
    return x >= 0 ? __float2int_rz(__fadd_rn(x, 0.5f)) : -__float2int_rz(__fadd_rn(-x, 0.5f));
}

/// Of an x that is not negative.
__device__ float looked_up(const float* table, float x) {
    x = __fmul_rn(x, recognise::table_scale);
    if (!(x < recognise::table_size - 1)) return 1;
    const int index = __float2int_rz(x);
    const float rise = __fadd_rn(table[index + 1], -table[index]);
    return __fadd_rn(table[index], __fmul_rn(rise, __fadd_rn(x, -static_cast<float>(index))));
}
__device__ float tanh_of(const float* table, float x) { return x < 0 ? -looked_up(table, -x) : looked_up(table, x); }
__device__ float logistic_of(const float* table, float x) {
    return x < 0 ? __fadd_rn(1, -looked_up(table, -x)) : looked_up(table, x);
}

/// e to x, of −86 to 0, as glibc has it on CPUs that fuse: x in 32nds of an octave, their whole number by a table, the
/// rest by a polynomial, all in doubles and rounded once.
__device__ float exponential(const unsigned long long* powers, float x) {
    constexpr double steps_of_e = 0x1.71547652b82fep+5;
    constexpr double to_integer = 0x1.8p+52;  // what is added to it loses its fraction
    constexpr double cubic = 0x1.c6af84b912394p-20, square = 0x1.ebfce50fac4f3p-13, slope = 0x1.62e42ff0c52d6p-6;
    const double shifted = __fma_rn(steps_of_e, x, to_integer);
    const auto whole = static_cast<unsigned long long>(__double_as_longlong(shifted));
    const double rest = __fma_rn(steps_of_e, x, -__dadd_rn(shifted, -to_integer));
    const unsigned long long power = powers[whole % exponent_steps] + (whole << 47);
    const double near_one = __fma_rn(slope, rest, 1);
    const double value = __fma_rn(__fma_rn(cubic, rest, square), __dmul_rn(rest, rest), near_one);
    return static_cast<float>(__dmul_rn(value, __longlong_as_double(static_cast<long long>(power))));
}

/// How numbers between two layers are stored and multiplied. A word is 32 bits of them.
template <class Number>
struct Arithmetic;

template <>
struct Arithmetic<int8_t> {
    using Sum = int;
    static constexpr int least = INT32_MIN;
    static __device__ int add_products(int weights, int numbers, int sum) { return __dp4a(weights, numbers, sum); }
    /// Of a weight that has a word for itself.
    static __device__ int add_product(int weight, int8_t number, int sum) { return sum + weight * number; }
    static __device__ int sum_of(int bits) { return bits; }
    static __device__ float scaled(int sum, float scale) { return __fmul_rn(static_cast<float>(sum), scale); }
    static __device__ int8_t stored(float x) {
        return static_cast<int8_t>(nearest(within(__fmul_rn(x, 127.0f), 127.0f)));
    }
    static __device__ int8_t pixel(float normal) {
        return static_cast<int8_t>(nearest(within(__fmul_rn(128.0f, normal), 127.0f)));
    }
};

/// Sums may be fused here, and are added up in another order than the reference's.
template <>
struct Arithmetic<float> {
    using Sum = float;
    static constexpr float least = -3.4e38f;
    static __device__ float add_products(int weight, int number, float sum) {
        return __fmaf_rn(__int_as_float(weight), __int_as_float(number), sum);
    }
    static __device__ float add_product(int weight, float number, float sum) {
        return __fmaf_rn(__int_as_float(weight), number, sum);
    }
    static __device__ float sum_of(int bits) { return __int_as_float(bits); }
    static __device__ float scaled(float sum, float) { return sum; }
    static __device__ float stored(float x) { return x; }
    static __device__ float pixel(float normal) { return normal; }
};

}  // namespace pg_ocr
