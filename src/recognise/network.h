// The network of a model: layers and weights, as they stand in the file. What they compute is in reference.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "recognise/model_file.h"

namespace pg_ocr::recognise {

/// A matrix of outputs × (inputs + 1), row by row; the last of a row is its bias. Either of integers, each row with a
/// scale, or of reals.
struct Weights {
    uint32_t outputs = 0;
    uint32_t inputs = 0;
    std::vector<int8_t> integers;
    std::vector<float> scales;  ///< of integers: one per output, by which a sum of products is multiplied
    std::vector<float> reals;
    bool are_integers() const { return !integers.empty(); }
};

enum class LayerType : uint8_t {
    input,
    convolve,
    maxpool,
    reconfig,      ///< the pixels of a field become features of one
    series,        ///< one after the other
    parallel,      ///< the same input to each, the outputs side by side
    reverse_x,     ///< what it holds, run from right to left
    reverse_y,     ///< … from bottom to top
    transpose_xy,  ///< … with rows and columns exchanged
    lstm,
    lstm_summary,  ///< of each row, the last output only
    softmax,
    tanh,
    relu,
    logistic,
    linear,
    clip_0_1,
    clip_1_1,
};

enum Gate : uint8_t { cell_input, input_gate, forget_gate, output_gate, gate_count };

struct Layer {
    LayerType type = LayerType::input;
    std::string name;
    uint32_t inputs = 0;   ///< features of a pixel that comes in
    uint32_t outputs = 0;  ///< features of one that goes out
    uint32_t x = 0;        ///< convolve: pixels on either side; maxpool and reconfig: how many become one
    uint32_t y = 0;
    std::vector<Layer> inner;               ///< series, parallel, reverse_…, transpose_xy
    std::array<Weights, gate_count> gates;  ///< lstm: over inputs, then the outputs of the step before
    Weights weights;                        ///< fully connected: softmax and below
};

/// A network that reads a line of text.
struct Network {
    Layer root;
    uint32_t height = 0;    ///< pixels; a line is scaled to it
    uint32_t classes = 0;   ///< scores of a step
    uint32_t x_scale = 1;   ///< pixels across that become one step
    int32_t null_code = 0;  ///< the class that stands for nothing
    bool integers = false;  ///< int8 between the layers, else float
    bool recoded = false;   ///< classes are codes of a Recoder, else ids of the Unicharset
    /// Each step is a character of its own: equal neighbours are not one, and nothing stands between them.
    bool simple_text = false;
    /// Of the random numbers that the edges of a convolution are filled with.
    uint64_t seed = 0;
    /// Of the bytes that it was parsed from: two that differ have another, in all likelihood.
    uint64_t fingerprint = 0;
    std::string specification;  ///< as in '[1,36,0,1 Ct3,3,16 Mp3,3 Lfys48 Lfx96 Lrx96 Lfx256 O1c111]'
    /// Where in the component of the network its characters and their codes begin, if it holds them itself, as models
    /// did before these had components of their own; else 0.
    size_t characters_at = 0;
    size_t codes_at = 0;
};

/// Throws ModelError. What it accepts gives each line of whatever pixels a number for each class of each step.
Network parse_network(const ModelFile&);

}  // namespace pg_ocr::recognise
