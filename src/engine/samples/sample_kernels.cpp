#include "engine/samples/sample_kernels.h"

#include <algorithm>
#include <iterator>

namespace pg_ocr {
namespace {

constexpr const SampleKernels* all[] = {
    &portable_samples,
#ifdef __x86_64__
    &avx2_samples,
#endif
};

}  // namespace

std::span<const SampleKernels* const> sample_kernels() { return all; }

const SampleKernels& best_sample_kernels() {
    static const SampleKernels& best = **std::find_if(
        std::rbegin(all), std::rend(all), [](const SampleKernels* kernels) { return kernels->runs_here(); });
    return best;
}

}  // namespace pg_ocr
