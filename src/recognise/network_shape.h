// How a line shrinks on its way through a network.
#pragma once

#include <cstdint>

#include "recognise/network.h"

namespace pg_ocr::recognise {

/// How many pixels across become one step of what comes out. Throws ModelError where it is not one row of steps that
/// comes out of a line of this height, or where a line would take memory or time beyond reason.
uint32_t pixels_of_a_step(const Layer& root, uint32_t height);

}  // namespace pg_ocr::recognise
