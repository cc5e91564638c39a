#include "recognise/network.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "recognise/network_shape.h"
#include "recognise/unicharset.h"

namespace pg_ocr::recognise {
namespace {

constexpr uint32_t most_features = 65536;  // with more, a sum of products would not fit into 32 bits
constexpr uint32_t most_layers = 256;
constexpr int deepest = 16;
// With less in a file, no sum of products is infinite, and no score is no number.
constexpr double largest_scale = 1e20;
constexpr double largest_weight = 1e6;
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

float checked(double value, double largest, const char* what) {
    if (!(std::abs(value) <= largest)) throw ModelError(std::string("has a ") + what + " of " + std::to_string(value));
    return static_cast<float>(value);
}

struct MatrixSize {
    uint32_t rows;
    uint32_t columns;
    size_t numbers() const { return size_t{rows} * columns; }
};

MatrixSize parse_matrix_size(ModelBytes& from, size_t number_size) {
    const MatrixSize size{from.u32(), from.u32()};
    from.take(number_size);  // what an empty cell holds
    if (size.rows == 0 || size.columns < 2 || size.numbers() > from.left() / number_size)
        throw ModelError("is cut off, or has a matrix of " + std::to_string(size.rows) + " × " +
                         std::to_string(size.columns));
    return size;
}

void parse_integers(ModelBytes& from, Weights& weights) {
    const MatrixSize size = parse_matrix_size(from, 1);
    weights.outputs = size.rows;
    weights.inputs = size.columns - 1;
    for (uint8_t each : from.take(size.numbers())) weights.integers.push_back(static_cast<int8_t>(each));
    const uint32_t scales = from.count(8);
    if (scales < weights.outputs) throw ModelError("has fewer scales than rows");
    // Divided as a double, then stored as a float: so Tesseract has it, and the last bit shows in the result.
    for (uint32_t i = 0; i < weights.outputs; ++i)
        weights.scales.push_back(checked(from.f64() / 127, largest_scale, "scale"));
    from.take(size_t{8} * (scales - weights.outputs));
}

Weights parse_weights(ModelBytes& from, bool trainable) {
    const uint8_t mode = from.u8();
    if ((mode & weights_have_doubles) == 0) throw ModelError("has weights of a format before doubles");
    Weights weights;
    if ((mode & weights_are_integers) != 0) {
        parse_integers(from, weights);
        return weights;
    }
    const MatrixSize size = parse_matrix_size(from, 8);
    weights.outputs = size.rows;
    weights.inputs = size.columns - 1;
    for (size_t i = 0; i < size.numbers(); ++i) weights.reals.push_back(checked(from.f64(), largest_weight, "weight"));
    const int left_by_training = !trainable ? 0 : (mode & weights_were_trained_with_adam) != 0 ? 2 : 1;
    for (int i = 0; i < left_by_training; ++i) from.take(8 * parse_matrix_size(from, 8).numbers());
    return weights;
}

void expect(const Weights& weights, uint32_t outputs, uint32_t inputs, const Layer& layer) {
    if (weights.outputs != outputs || weights.inputs != inputs)
        throw ModelError("has weights of " + std::to_string(weights.outputs) + " × " + std::to_string(weights.inputs) +
                         " in the layer " + layer.name + ", which needs " + std::to_string(outputs) + " × " +
                         std::to_string(inputs));
}

class LayerParser {
  public:
    explicit LayerParser(ModelBytes& from) : from_(from) {}
    Layer layer(int depth = 0);
    uint32_t height() const { return height_; }
    bool simple_text() const { return simple_text_; }

  private:
    LayerType type();
    uint32_t features();
    void input(Layer&);
    void inner(Layer&, int32_t flags, int depth);
    void lstm(Layer&, bool trainable);
    void steps(Layer&, uint32_t least);
    static void check_features(const Layer&);

    ModelBytes& from_;
    uint32_t layers_ = 0;
    uint32_t height_ = 0;
    bool simple_text_ = false;
};

Layer LayerParser::layer(int depth) {
    if (depth > deepest || ++layers_ > most_layers) throw ModelError("has layers without end");
    Layer layer;
    layer.type = type();
    constexpr int8_t enabled = 1;
    const bool trainable = from_.i8() == enabled;
    from_.i8();  // whether errors are handed on in training
    const int32_t flags = from_.i32();
    layer.inputs = features();
    layer.outputs = features();
    from_.i32();  // how many weights it has, which they tell themselves
    layer.name = from_.text();
    switch (layer.type) {
        case LayerType::input:
            input(layer);
            break;
        case LayerType::convolve:
            steps(layer, 0);
            layer.outputs = layer.inputs * (2 * layer.x + 1) * (2 * layer.y + 1);
            break;
        case LayerType::reconfig:
            steps(layer, 1);
            layer.outputs = layer.inputs * layer.x * layer.y;
            break;
        case LayerType::maxpool:
            steps(layer, 1);
            layer.outputs = layer.inputs;
            break;
        case LayerType::series:
        case LayerType::parallel:
        case LayerType::reverse_x:
        case LayerType::reverse_y:
        case LayerType::transpose_xy:
            inner(layer, flags, depth);
            break;
        case LayerType::lstm:
        case LayerType::lstm_summary:
            lstm(layer, trainable);
            break;
        default:
            layer.weights = parse_weights(from_, trainable);
            expect(layer.weights, layer.outputs, layer.inputs, layer);
    }
    check_features(layer);
    return layer;
}

LayerType LayerParser::type() {
    if (from_.i8() != 0) throw ModelError("is of a format before names of layers");
    const std::string name = from_.text();
    const auto* found = std::find_if(std::begin(named_types), std::end(named_types),
                                     [&](const NamedType& each) { return each.name == name; });
    if (found == std::end(named_types)) throw ModelError("has a layer of the unknown type \"" + name + "\"");
    simple_text_ = name == simple_text_softmax;  // what the last layer says, stays
    return found->type;
}

uint32_t LayerParser::features() {
    const int32_t features = from_.i32();
    if (features < 0 || static_cast<uint32_t>(features) > most_features)
        throw ModelError("has a layer of " + std::to_string(features) + " features");
    return static_cast<uint32_t>(features);
}

void LayerParser::input(Layer& layer) {
    from_.i32();  // lines at a time
    const int32_t height = from_.i32();
    from_.i32();  // width; 0: any
    const int32_t colours = from_.i32();
    from_.i32();  // what it was trained for
    if (height_ != 0 || height < 2 || height > 256 || colours != 1)
        throw ModelError("does not read lines of grey pixels of one height");
    height_ = static_cast<uint32_t>(height);
    layer.inputs = layer.outputs = 1;
}

void LayerParser::inner(Layer& layer, int32_t flags, int depth) {
    const uint32_t inner = from_.count(1);
    for (uint32_t i = 0; i < inner; ++i) layer.inner.push_back(this->layer(depth + 1));
    if (layer.inner.empty()) throw ModelError("has the empty layer " + layer.name);
    if ((flags & has_learning_rates) != 0) from_.take(size_t{4} * from_.count(4));
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
}

void LayerParser::lstm(Layer& layer, bool trainable) {
    const int32_t width = from_.i32();
    if (width < 0 || static_cast<uint32_t>(width) != layer.inputs + layer.outputs)
        throw ModelError("has the two-dimensional layer " + layer.name + ", which no model of Tesseract 4 or 5 has");
    if (layer.inputs + layer.outputs > most_features) throw ModelError("has too many features in " + layer.name);
    for (Weights& gate : layer.gates) {
        gate = parse_weights(from_, trainable);
        expect(gate, layer.outputs, layer.inputs + layer.outputs, layer);
    }
}

void LayerParser::steps(Layer& layer, uint32_t least) {
    const int32_t x = from_.i32();
    const int32_t y = from_.i32();
    if (x < static_cast<int32_t>(least) || y < static_cast<int32_t>(least) || x > 64 || y > 64)
        throw ModelError("has steps of " + std::to_string(x) + " × " + std::to_string(y) + " in " + layer.name);
    layer.x = static_cast<uint32_t>(x);
    layer.y = static_cast<uint32_t>(y);
}

void LayerParser::check_features(const Layer& layer) {
    if (layer.inputs == 0 || layer.outputs == 0) throw ModelError("has the layer " + layer.name + " of no features");
    if (layer.outputs > most_features) throw ModelError("has too many features in " + layer.name);
}

bool all_weights_are(bool integers, const Layer& layer) {
    const auto agrees = [&](const Weights& weights) {
        return weights.outputs == 0 || weights.are_integers() == integers;
    };
    return agrees(layer.weights) && std::all_of(layer.gates.begin(), layer.gates.end(), agrees) &&
           std::all_of(layer.inner.begin(), layer.inner.end(),
                       [&](const Layer& each) { return all_weights_are(integers, each); });
}

/// FNV-1a.
uint64_t fingerprint_of(std::span<const uint8_t> bytes) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
    return hash;
}

}  // namespace

Network parse_network(const ModelFile& file) {
    const auto component = file.component(Component::network);
    if (!component) throw ModelError("has no network; models of Tesseract 3 cannot be used");
    ModelBytes from(*component);
    Network network;
    network.fingerprint = fingerprint_of(*component);
    LayerParser parser(from);
    network.root = parser.layer();
    if (network.root.type != LayerType::series || network.root.inner.front().type != LayerType::input ||
        network.root.inner.back().type != LayerType::softmax)
        throw ModelError("has a network that does not lead from an image to classes");
    network.height = parser.height();
    network.simple_text = parser.simple_text();
    network.classes = network.root.outputs;
    network.x_scale = pixels_of_a_step(network.root, network.height);
    const bool holds_characters = !file.component(Component::unicharset) || !file.component(Component::recoder);
    if (holds_characters) {
        network.characters_at = component->size() - from.left();
        parse_unicharset(from);
    }
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
    from.take(size_t{3} * 4);  // rates of training
    if (holds_characters) network.codes_at = component->size() - from.left();
    return network;
}

}  // namespace pg_ocr::recognise
