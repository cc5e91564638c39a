#include "engine/ink/ink_kernels.h"

#include <algorithm>
#include <iterator>

namespace pg_ocr {
namespace {

constexpr const InkKernels* all[] = {
    &portable_ink,
#ifdef __x86_64__
    &avx2_ink,
    &avx512_ink,
#endif
};

}  // namespace

std::span<const InkKernels* const> ink_kernels() { return all; }

const InkKernels& best_ink_kernels() {
    static const InkKernels& best = **std::find_if(std::rbegin(all), std::rend(all),
                                                   [](const InkKernels* kernels) { return kernels->runs_here(); });
    return best;
}

}  // namespace pg_ocr
