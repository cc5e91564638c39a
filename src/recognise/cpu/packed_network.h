// A network as the kernels want it: of the one shape that all models of Tesseract have, weights in the kernels' order.
#pragma once

#include <memory>
#include <vector>

#include "recognise/cpu/kernels.h"
#include "recognise/network.h"

namespace pg_ocr::recognise {

/// A matrix and what it points to.
struct OwnedMatrix {
    std::vector<uint32_t> weights;
    std::vector<uint32_t> biases;
    std::vector<float> scales;
    PackedMatrix packed;
};

/// An LSTM along the line.
struct PackedLstm {
    OwnedMatrix matrix;
    bool right_to_left = false;
};

/// Of LineLayers.
struct PackedNetwork {
    const Kernels* kernels = nullptr;
    uint32_t height = 0;
    uint32_t classes = 0;
    uint64_t seed = 0;
    OwnedMatrix convolution;
    OwnedMatrix down;
    std::vector<PackedLstm> along;
    OwnedMatrix output;

    size_t bytes() const;
};

/// Null where the network has another shape.
std::unique_ptr<PackedNetwork> pack(const Network&, const Kernels& of_integers, const Kernels& of_floats);

}  // namespace pg_ocr::recognise
