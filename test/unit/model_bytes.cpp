#include "model_bytes.h"

#include <random>

namespace pg_ocr::recognise {
namespace {

constexpr std::string_view names_of_types[] = {
    "Input", "Convolve", "Maxpool", "Reconfig", "Series", "Parallel", "RTLReversed", "TTBReversed", "XYTranspose",
    "LSTM",  "SummLSTM", "Softmax", "Tanh",     "Relu",   "Logistic", "Linear",      "LinLogistic", "LinTanh"};

void write(Written& to, const Weights& weights) {
    constexpr uint32_t integers = 1, doubles = 128;
    to.u8(weights.are_integers() ? integers | doubles : doubles);
    to.u32(weights.outputs).u32(weights.inputs + 1);
    if (!weights.are_integers()) {
        to.f64(0);
        for (const float weight : weights.reals) to.f64(static_cast<double>(weight));
        return;
    }
    to.u8(0).raw(weights.integers).u32(weights.outputs);
    for (const float scale : weights.scales) to.f64(static_cast<double>(scale) * 127);
}

void write(Written& to, const Layer& layer, uint32_t height) {
    to.u8(0).text(names_of_types[static_cast<size_t>(layer.type)]).u8(0).u8(0).u32(0);
    // Tesseract takes a line's height from the inputs of the whole network.
    const bool begins =
        layer.type == LayerType::input || (!layer.inner.empty() && layer.inner.front().type == LayerType::input);
    to.u32(begins ? height : layer.inputs).u32(layer.outputs).u32(0).text(layer.name);
    switch (layer.type) {
        case LayerType::input:
            to.u32(1).u32(height).u32(0).u32(1).u32(0);
            break;
        case LayerType::convolve:
        case LayerType::maxpool:
        case LayerType::reconfig:
            to.u32(layer.x).u32(layer.y);
            break;
        case LayerType::lstm:
        case LayerType::lstm_summary:
            to.u32(layer.inputs + layer.outputs);
            for (const Weights& gate : layer.gates) write(to, gate);
            break;
        default:
            if (layer.inner.empty()) return write(to, layer.weights);
            to.u32(static_cast<uint32_t>(layer.inner.size()));
            for (const Layer& inner : layer.inner) write(to, inner, height);
    }
}

void make_real(Weights& weights) {
    for (size_t i = 0; i < weights.integers.size(); ++i)
        weights.reals.push_back(static_cast<float>(weights.integers[i]) * weights.scales[i / (weights.inputs + 1)] *
                                127);
    weights.integers.clear();
    weights.scales.clear();
}
void make_real(Layer& layer) {
    make_real(layer.weights);
    for (Weights& gate : layer.gates) make_real(gate);
    for (Layer& inner : layer.inner) make_real(inner);
}

class Invented {
  public:
    explicit Invented(float scale) : scale_(scale) {}
    Layer root(const LayerSizes& sizes) {
        const auto& [first, second, third] = sizes.along;
        Layer made = layer(LayerType::series, 1, sizes.classes);
        Layer convolve = layer(LayerType::convolve, 1, 9);
        convolve.x = convolve.y = 1;
        Layer pool = layer(LayerType::maxpool, sizes.tanh, sizes.tanh);
        pool.x = pool.y = 3;
        made.inner = {layer(LayerType::input, 1, 1),
                      convolve,
                      dense(LayerType::tanh, 9, sizes.tanh),
                      pool,
                      around(LayerType::transpose_xy, lstm(LayerType::lstm_summary, sizes.tanh, sizes.down)),
                      lstm(LayerType::lstm, sizes.down, first),
                      around(LayerType::reverse_x, lstm(LayerType::lstm, first, second)),
                      lstm(LayerType::lstm, second, third),
                      dense(LayerType::softmax, third, sizes.classes)};
        return made;
    }

  private:
    static Layer layer(LayerType type, uint32_t inputs, uint32_t outputs) {
        Layer made;
        made.type = type;
        made.inputs = inputs;
        made.outputs = outputs;
        return made;
    }
    Weights weights(uint32_t inputs, uint32_t outputs) {
        Weights made;
        made.outputs = outputs;
        made.inputs = inputs;
        for (size_t i = 0; i < size_t{outputs} * (inputs + 1); ++i)
            made.integers.push_back(static_cast<int8_t>(random_() % 256));
        for (uint32_t i = 0; i < outputs; ++i) made.scales.push_back(scale_ * static_cast<float>(random_() % 100));
        return made;
    }
    Layer dense(LayerType type, uint32_t inputs, uint32_t outputs) {
        Layer made = layer(type, inputs, outputs);
        made.weights = weights(inputs, outputs);
        return made;
    }
    Layer lstm(LayerType type, uint32_t inputs, uint32_t outputs) {
        Layer made = layer(type, inputs, outputs);
        for (Weights& gate : made.gates) gate = weights(inputs + outputs, outputs);
        return made;
    }
    static Layer around(LayerType type, const Layer& inner) {
        Layer made = layer(type, inner.inputs, inner.outputs);
        made.inner = {inner};
        return made;
    }
    float scale_;
    std::mt19937 random_{7};
};

/// Only biases of gates remain, and of a class one weight.
void isolate_cells(Layer& layer, std::mt19937& random) {
    const auto up_to = [&](float most) { return most * (static_cast<float>(random() % 20001) / 10000 - 1); };
    for (Layer& inner : layer.inner) isolate_cells(inner, random);
    for (Weights& gate : layer.gates) {
        std::fill(gate.reals.begin(), gate.reals.end(), 0.0f);
        for (uint32_t o = 0; o < gate.outputs; ++o) gate.reals[(size_t{o} + 1) * (gate.inputs + 1) - 1] = up_to(4);
    }
    if (layer.type != LayerType::softmax) return;
    std::fill(layer.weights.reals.begin(), layer.weights.reals.end(), 0.0f);
    for (uint32_t o = 0; o < layer.outputs; ++o)
        layer.weights.reals[size_t{o} * (layer.inputs + 1) + o % layer.inputs] = up_to(8);
}

}  // namespace

std::vector<uint8_t> model_bytes(const std::map<Component, std::vector<uint8_t>>& components) {
    constexpr uint32_t entries = 24;
    Written written;
    written.u32(entries);
    uint64_t offset = 4 + uint64_t{8} * entries;
    for (uint32_t i = 0; i < entries; ++i) {
        const auto found = components.find(static_cast<Component>(i));
        written.u64(found == components.end() ? ~uint64_t{0} : offset);
        if (found != components.end()) offset += found->second.size();
    }
    for (const auto& [component, bytes] : components) written.raw(bytes);
    return written.bytes();
}

std::vector<uint8_t> network_bytes(const Network& network, std::string_view characters,
                                   const std::vector<uint8_t>& codes) {
    constexpr uint32_t integer_mode = 1, recoded_mode = 64;
    Written written;
    write(written, network.root, network.height);
    written.raw(characters).text(network.specification);
    written.u32((network.integers ? integer_mode : 0) | (network.recoded ? recoded_mode : 0));
    // Tesseract makes of the samples that were trained with what is kept as a seed.
    written.u32(0).i32(static_cast<int64_t>(network.seed / 0x10000001)).i32(network.null_code);
    written.u32(0).u32(0).u32(0).raw(codes);
    return written.bytes();
}

void make_real(Network& network) {
    make_real(network.root);
    network.integers = false;
}

Network made_network(uint32_t height, float scale, const LayerSizes& sizes) {
    Network made;
    made.root = Invented(scale).root(sizes);
    made.height = height;
    made.classes = sizes.classes;
    made.x_scale = 3;
    made.integers = true;
    made.seed = 12345 * 0x10000001ull;
    return made;
}

Network network_of_cells(uint32_t height) {
    Network made = made_network(height, 1, {16, 21, {33, 7, 60}, 67});
    make_real(made);
    std::mt19937 random(11);
    isolate_cells(made.root, random);
    return made;
}

}  // namespace pg_ocr::recognise
