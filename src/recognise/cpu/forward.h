// Lines through a packed network.
#pragma once

#include <span>

#include "recognise/backend.h"
#include "recognise/cpu/packed_network.h"

namespace pg_ocr::recognise {

/// See Backend::forward. Throws std::bad_alloc.
void forward(const PackedNetwork&, std::span<const LinePixels> lines, float* const* scores);

}  // namespace pg_ocr::recognise
