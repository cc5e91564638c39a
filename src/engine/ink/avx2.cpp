// For CPUs with AVX2: Intel from Haswell on, AMD from Excavator on.
#include <immintrin.h>

#include "engine/ink/kernels_of.h"

namespace pg_ocr {
namespace {

struct Avx2 {
    static constexpr size_t pixels = 32;
    static __m256i loaded(const uint32_t* words) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words)); }
    static bool all_are(const uint32_t* words, uint32_t grey) {
        const __m256i same = _mm256_cmpeq_epi8(loaded(words), _mm256_set1_epi8(static_cast<char>(grey)));
        return _mm256_movemask_epi8(same) == -1;
    }
    /// In memory the last pixel of a word comes first, and that of the last word shall be the lowest bit: with the
    /// words in reverse, the mask of bytes is the word of bits.
    static void find_darker(const uint32_t* words, uint8_t grey, uint32_t flipped, uint32_t* to) {
        const __m256i last_first = _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0);
        const __m256i values = _mm256_permutevar8x32_epi32(loaded(words), last_first);
        // There is no comparison without a sign.
        const __m256i limit = _mm256_set1_epi8(static_cast<char>(grey));
        const __m256i not_darker = _mm256_cmpeq_epi8(_mm256_max_epu8(values, limit), values);
        *to = ~static_cast<uint32_t>(_mm256_movemask_epi8(not_darker)) ^ flipped;
    }
};

}  // namespace

constinit const InkKernels avx2_ink = kernels_of<Avx2>("AVX2", [] { return __builtin_cpu_supports("avx2") != 0; });

}  // namespace pg_ocr
