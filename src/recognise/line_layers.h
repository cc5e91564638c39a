// The one shape that all models of Tesseract have, as kernels want to see it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "recognise/network.h"

namespace pg_ocr::recognise {

/// Pixels on a side of what the convolution sees, and of what becomes one place after it.
inline constexpr uint32_t patch_side = 3;
inline constexpr uint32_t pool_side = 3;

/// A convolution of 3 × 3 pixels and tanh, the greatest of each 3 × 3; an LSTM down each column, of which only the last
/// output goes on; LSTMs along the line, each over the one before; softmax. They point into the network.
struct LineLayers {
    struct Along {
        const Layer* lstm;
        bool right_to_left;
    };
    const Layer* convolution;  ///< its weights, of nine pixels column by column, none of which has a scale below 0
    const Layer* down;
    std::vector<Along> along;
    const Layer* output;
};

/// Nothing where the network has another shape.
std::optional<LineLayers> line_layers(const Network&);

}  // namespace pg_ocr::recognise
