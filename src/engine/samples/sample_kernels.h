// Which kernels of kernels.h there are for this machine's processor.
#pragma once

#include <span>

#include "engine/samples/kernels.h"

namespace pg_ocr {

/// From the slowest, which runs everywhere.
std::span<const SampleKernels* const> sample_kernels();
/// The fastest that this machine can run; always the same.
const SampleKernels& best_sample_kernels();

}  // namespace pg_ocr
