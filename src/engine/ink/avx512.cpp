// For CPUs with AVX512 for bytes: Intel servers from Skylake on, AMD from Zen 4 on.
#include <immintrin.h>

#include "engine/ink/kernels_of.h"

namespace pg_ocr {
namespace {

struct Avx512 {
    static constexpr size_t pixels = 64;
    static bool all_are(const uint32_t* words, uint32_t grey) {
        const __m512i wanted = _mm512_set1_epi8(static_cast<char>(grey));
        return _mm512_cmpneq_epi8_mask(_mm512_loadu_si512(words), wanted) == 0;
    }
    /// See avx2.cpp; here there are two words of bits.
    static void find_darker(const uint32_t* words, uint8_t grey, uint32_t flipped, uint32_t* to) {
        const __m512i last_first = _mm512_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
        const __m512i values = _mm512_permutexvar_epi32(last_first, _mm512_loadu_si512(words));
        const uint64_t darker = _mm512_cmplt_epu8_mask(values, _mm512_set1_epi8(static_cast<char>(grey)));
        to[0] = static_cast<uint32_t>(darker) ^ flipped;
        to[1] = static_cast<uint32_t>(darker >> 32) ^ flipped;
    }
};

}  // namespace

constinit const InkKernels avx512_ink = kernels_of<Avx512>("AVX512", [] {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0;
});

}  // namespace pg_ocr
