#include "recognise/network.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

namespace pg_ocr::recognise {
namespace {

constexpr uint32_t most_features = 65536;
constexpr uint32_t most_weights = 1u << 28;
constexpr int deepest = 16;
constexpr uint8_t weights_are_integers = 1;
constexpr uint8_t weights_have_doubles = 128;
constexpr uint8_t weights_were_trained_with_adam = 4;
constexpr int32_t has_learning_rates = 64;
constexpr int32_t integer_mode = 1;
constexpr int32_t recoded_mode = 64;
constexpr std::string_view simple_text_softmax = "SoftmaxNoCTC";

struct NamedType {
    std::string_view name;
    LayerType type;
};
constexpr NamedType named_types[] = {
    {"Input", LayerType::input},
    {"Convolve", LayerType::convolve},
    {"Maxpool", LayerType::maxpool},
    {"Parallel", LayerType::parallel},
    {"Replicated", LayerType::parallel},
    {"ParBidiLSTM", LayerType::parallel},
    {"DepParUDLSTM", LayerType::parallel},
    {"Series", LayerType::series},
    {"Reconfig", LayerType::reconfig},
    {"RTLReversed", LayerType::reverse_x},
    {"TTBReversed", LayerType::reverse_y},
    {"XYTranspose", LayerType::transpose_xy},
    {"LSTM", LayerType::lstm},
    {"SummLSTM", LayerType::lstm_summary},
    {"Logistic", LayerType::logistic},
    {"LinLogistic", LayerType::clip_0_1},
    {"LinTanh", LayerType::clip_1_1},
    {"Tanh", LayerType::tanh},
    {"Relu", LayerType::relu},
    {"Linear", LayerType::linear},
    {"Softmax", LayerType::softmax},
    {simple_text_softmax, LayerType::softmax},
};

LayerType parse_type(ModelBytes& from, Network& network) {
    if (from.i8() != 0) throw ModelError("is of a format before names of layers");
    const std::string name = from.text();
    const auto* found = std::find_if(std::begin(named_types), std::end(named_types),
                                     [&](const NamedType& each) { return each.name == name; });
    if (found == std::end(named_types)) throw ModelError("has a layer of the unknown type \"" + name + "\"");
    network.simple_text = name == simple_text_softmax;  // what the last layer says, stays
    return found->type;
}

uint32_t parse_features(ModelBytes& from) {
    const int32_t features = from.i32();
    if (features < 0 || static_cast<uint32_t>(features) > most_features)
        throw ModelError("has a layer of " + std::to_string(features) + " features");
    return static_cast<uint32_t>(features);
}

Weights parse_weights(ModelBytes& from, bool trainable) {
    const uint8_t mode = from.u8();
    if ((mode & weights_have_doubles) == 0) throw ModelError("has weights of a format before doubles");
    const bool integers = (mode & weights_are_integers) != 0;
    Weights weights;
    const size_t item = integers ? 1 : 8;
    const auto matrix_size = [&] {
        const uint32_t rows = from.u32();
        const uint32_t columns = from.u32();
        from.take(item);  // what an empty cell holds
        if (rows == 0 || columns < 2 || rows > most_weights / columns || uint64_t{rows} * columns > from.left() / item)
            throw ModelError("is cut off, or has a matrix of " + std::to_string(rows) + " × " +
                             std::to_string(columns));
        weights.outputs = rows;
        weights.inputs = columns - 1;
        return size_t{rows} * columns;
    };
    size_t size = matrix_size();
    if (integers) {
        for (uint8_t each : from.take(size)) weights.integers.push_back(static_cast<int8_t>(each));
        const uint32_t scales = from.count(8);
        if (scales < weights.outputs) throw ModelError("has fewer scales than rows");
        for (uint32_t i = 0; i < scales; ++i) {
            // Divided as a double, then stored as a float: so Tesseract has it, and the last bit shows in the result.
            const auto scale = static_cast<float>(from.f64() / 127);
            if (!std::isfinite(scale)) throw ModelError("has a scale that is no number");
            if (i < weights.outputs) weights.scales.push_back(scale);
        }
        return weights;
    }
    const auto reals = [&](std::vector<float>* to) {
        for (size_t i = 0; i < size; ++i) {
            const auto value = static_cast<float>(from.f64());
            if (!std::isfinite(value)) throw ModelError("has a weight that is no number");
            if (to != nullptr) to->push_back(value);
        }
    };
    reals(&weights.reals);
    if (trainable) {
        const int more = (mode & weights_were_trained_with_adam) != 0 ? 2 : 1;
        for (int i = 0; i < more; ++i) {
            const Weights kept = weights;
            size = matrix_size();
            weights = kept;
            reals(nullptr);
        }
    }
    return weights;
}

void expect(const Weights& weights, uint32_t outputs, uint32_t inputs, const Layer& layer) {
    if (weights.outputs != outputs || weights.inputs != inputs)
        throw ModelError("has weights of " + std::to_string(weights.outputs) + " × " + std::to_string(weights.inputs) +
                         " in the layer " + layer.name + ", which needs " + std::to_string(outputs) + " × " +
                         std::to_string(inputs));
}

Layer parse_layer(ModelBytes& from, Network& network, int depth);

void parse_inner(ModelBytes& from, Layer& layer, Network& network, int32_t flags, int depth) {
    const uint32_t inner = from.count(1);
    for (uint32_t i = 0; i < inner; ++i) layer.inner.push_back(parse_layer(from, network, depth + 1));
    if (layer.inner.empty()) throw ModelError("has the empty layer " + layer.name);
    if ((flags & has_learning_rates) != 0) from.take(size_t{4} * from.count(4));
    layer.inputs = layer.inner.front().inputs;
    layer.outputs = layer.inner.back().outputs;
    if (layer.type == LayerType::parallel) {
        layer.outputs = 0;
        for (const Layer& each : layer.inner) {
            if (each.inputs != layer.inputs) throw ModelError("has unlike layers side by side");
            layer.outputs += each.outputs;
        }
    } else if (layer.type == LayerType::series) {
        for (size_t i = 1; i < layer.inner.size(); ++i)
            if (layer.inner[i].inputs != layer.inner[i - 1].outputs)
                throw ModelError("has the layer " + layer.inner[i].name + " of " +
                                 std::to_string(layer.inner[i].inputs) + " inputs after one of " +
                                 std::to_string(layer.inner[i - 1].outputs) + " outputs");
    } else if (layer.inner.size() != 1) {
        throw ModelError("has more than one layer in " + layer.name);
    }
    if (layer.outputs > most_features) throw ModelError("has too many features in " + layer.name);
}

void parse_lstm(ModelBytes& from, Layer& layer, bool trainable) {
    const int32_t width = from.i32();
    if (width < 0 || static_cast<uint32_t>(width) != layer.inputs + layer.outputs)
        throw ModelError("has the two-dimensional layer " + layer.name + ", which no model of Tesseract 4 or 5 has");
    for (Weights& gate : layer.gates) {
        gate = parse_weights(from, trainable);
        expect(gate, layer.outputs, layer.inputs + layer.outputs, layer);
    }
}

void parse_steps(ModelBytes& from, Layer& layer, uint32_t least) {
    const int32_t x = from.i32();
    const int32_t y = from.i32();
    if (x < static_cast<int32_t>(least) || y < static_cast<int32_t>(least) || x > 64 || y > 64)
        throw ModelError("has steps of " + std::to_string(x) + " × " + std::to_string(y) + " in " + layer.name);
    layer.x = static_cast<uint32_t>(x);
    layer.y = static_cast<uint32_t>(y);
}

Layer parse_layer(ModelBytes& from, Network& network, int depth) {
    if (depth > deepest) throw ModelError("has layers within layers without end");
    Layer layer;
    layer.type = parse_type(from, network);
    constexpr int8_t enabled = 1;
    const bool trainable = from.i8() == enabled;
    from.i8();  // whether errors are handed on in training
    const int32_t flags = from.i32();
    layer.inputs = parse_features(from);
    layer.outputs = parse_features(from);
    from.i32();  // how many weights it has, which they tell themselves
    layer.name = from.text();
    switch (layer.type) {
        case LayerType::input: {
            from.i32();  // lines at a time
            const int32_t height = from.i32();
            from.i32();  // width; 0: any
            const int32_t colours = from.i32();
            from.i32();  // what it was trained for
            if (network.height != 0 || height < 2 || height > 256 || colours != 1)
                throw ModelError("does not read lines of grey pixels of one height");
            network.height = static_cast<uint32_t>(height);
            layer.inputs = layer.outputs = 1;
            break;
        }
        case LayerType::convolve:
            parse_steps(from, layer, 0);
            layer.outputs = layer.inputs * (2 * layer.x + 1) * (2 * layer.y + 1);
            break;
        case LayerType::reconfig:
            parse_steps(from, layer, 1);
            layer.outputs = layer.inputs * layer.x * layer.y;
            network.x_scale *= layer.x;
            break;
        case LayerType::maxpool:
            parse_steps(from, layer, 1);
            layer.outputs = layer.inputs;
            network.x_scale *= layer.x;
            break;
        case LayerType::series:
        case LayerType::parallel:
        case LayerType::reverse_x:
        case LayerType::reverse_y:
        case LayerType::transpose_xy:
            parse_inner(from, layer, network, flags, depth);
            break;
        case LayerType::lstm:
        case LayerType::lstm_summary:
            parse_lstm(from, layer, trainable);
            break;
        default:
            layer.weights = parse_weights(from, trainable);
            expect(layer.weights, layer.outputs, layer.inputs, layer);
    }
    if (layer.outputs > most_features) throw ModelError("has too many features in " + layer.name);
    return layer;
}

bool all_weights_are(bool integers, const Layer& layer) {
    const auto agrees = [&](const Weights& weights) {
        return weights.outputs == 0 || weights.are_integers() == integers;
    };
    return agrees(layer.weights) && std::all_of(layer.gates.begin(), layer.gates.end(), agrees) &&
           std::all_of(layer.inner.begin(), layer.inner.end(),
                       [&](const Layer& each) { return all_weights_are(integers, each); });
}

}  // namespace

Network parse_network(ModelBytes& from) {
    Network network;
    network.root = parse_layer(from, network, 0);
    if (network.root.type != LayerType::series || network.root.inner.front().type != LayerType::input ||
        network.root.inner.back().type != LayerType::softmax)
        throw ModelError("has a network that does not lead from an image to classes");
    network.classes = network.root.outputs;
    network.specification = from.text();
    const int32_t flags = from.i32();
    from.i32();  // iterations of training
    // Samples that were trained with. The seed is 32 bits of it in Tesseract, too.
    network.seed = static_cast<uint64_t>(int64_t{from.i32()} * 0x10000001);
    network.null_code = from.i32();
    if (network.null_code < 0 || static_cast<uint32_t>(network.null_code) >= network.classes)
        throw ModelError("has no class that stands for nothing");
    network.integers = (flags & integer_mode) != 0;
    network.recoded = (flags & recoded_mode) != 0;
    if (!all_weights_are(network.integers, network.root)) throw ModelError("mixes integers and reals");
    return network;
}

}  // namespace pg_ocr::recognise
