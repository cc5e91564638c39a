// Which kernels of kernels.h there are for this machine's processor.
#pragma once

#include <span>

#include "engine/ink/kernels.h"

namespace pg_ocr {

/// From the slowest, which runs everywhere.
std::span<const InkKernels* const> ink_kernels();
/// The fastest that this machine can run; always the same.
const InkKernels& best_ink_kernels();

}  // namespace pg_ocr
