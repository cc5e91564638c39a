#include "recognise/reference.h"

#include <algorithm>
#include <cmath>

#include "recognise/edge_noise.h"
#include "recognise/nonlinear.h"

namespace pg_ocr::recognise {

namespace {

/// What lies between two layers: pixels of several features, row by row. Of integers, or of floats.
struct Plane {
    uint32_t height = 0, width = 0, features = 0;
    bool integers = false;
    std::vector<int8_t> ints;
    std::vector<float> reals;

    Plane(uint32_t h, uint32_t w, uint32_t f, bool i) : height(h), width(w), features(f), integers(i) {
        if (integers)
            ints.resize(size());
        else
            reals.resize(size());
    }
    size_t size() const { return size_t{height} * width * features; }
    size_t at(uint32_t y, uint32_t x) const { return (size_t{y} * width + x) * features; }
    void set(size_t index, float value) {
        if (integers)
            ints[index] = as_int8(value);
        else
            reals[index] = value;
    }
    void copy(size_t to, const Plane& from, size_t source, uint32_t count) {
        if (integers)
            std::copy_n(from.ints.begin() + static_cast<ptrdiff_t>(source), count,
                        ints.begin() + static_cast<ptrdiff_t>(to));
        else
            std::copy_n(from.reals.begin() + static_cast<ptrdiff_t>(source), count,
                        reals.begin() + static_cast<ptrdiff_t>(to));
    }
};

void fill(EdgeNoise& noise, Plane& plane, size_t at, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i)
        if (plane.integers)
            plane.ints[at + i] = noise.integer();
        else
            plane.reals[at + i] = noise.real();
}

class Forward {
  public:
    explicit Forward(const Network& network) : tables_(tables()), noise_(network.seed) {}
    Plane run(const Layer& layer, const Plane& input);

  private:
    Plane convolve(const Layer&, const Plane&);
    static Plane maxpool(const Layer&, const Plane&);
    static Plane reconfig(const Layer&, const Plane&);
    Plane side_by_side(const Layer&, const Plane&);
    static Plane reversed(const Plane&, LayerType);
    Plane lstm(const Layer&, const Plane&) const;
    Plane fully_connected(const Layer&, const Plane&) const;
    void apply(LayerType, std::vector<float>& line) const;

    const Tables& tables_;
    EdgeNoise noise_;
};

/// One sum per output: over the inputs, and the bias.
void multiply(const Weights& weights, const Plane& plane, size_t at, std::vector<float>& to) {
    to.resize(weights.outputs);
    const size_t row = weights.inputs + 1;
    for (uint32_t o = 0; o < weights.outputs; ++o) {
        if (weights.are_integers()) {
            const int8_t* w = &weights.integers[o * row];
            int32_t sum = 0;
            for (uint32_t i = 0; i < weights.inputs; ++i) sum += w[i] * plane.ints[at + i];
            to[o] = static_cast<float>(sum + w[weights.inputs] * 127) * weights.scales[o];
        } else {
            const float* w = &weights.reals[o * row];
            float sum = 0;
            for (uint32_t i = 0; i < weights.inputs; ++i) sum += w[i] * plane.reals[at + i];
            to[o] = sum + w[weights.inputs];
        }
    }
}

Plane Forward::run(const Layer& layer, const Plane& input) {
    switch (layer.type) {
        case LayerType::input:
            return input;
        case LayerType::convolve:
            return convolve(layer, input);
        case LayerType::maxpool:
            return maxpool(layer, input);
        case LayerType::reconfig:
            return reconfig(layer, input);
        case LayerType::series: {
            Plane plane = run(layer.inner[0], input);
            for (size_t i = 1; i < layer.inner.size(); ++i) plane = run(layer.inner[i], plane);
            return plane;
        }
        case LayerType::parallel:
            return side_by_side(layer, input);
        case LayerType::reverse_x:
        case LayerType::reverse_y:
        case LayerType::transpose_xy:
            return reversed(run(layer.inner[0], reversed(input, layer.type)), layer.type);
        case LayerType::lstm:
        case LayerType::lstm_summary:
            return lstm(layer, input);
        default:
            return fully_connected(layer, input);
    }
}

Plane Forward::convolve(const Layer& layer, const Plane& input) {
    Plane output(input.height, input.width, layer.outputs, input.integers);
    const auto half_x = static_cast<int32_t>(layer.x);
    const auto half_y = static_cast<int32_t>(layer.y);
    const uint32_t column = (2 * layer.y + 1) * input.features;
    for (uint32_t y = 0; y < input.height; ++y)
        for (uint32_t x = 0; x < input.width; ++x) {
            size_t to = output.at(y, x);
            for (int32_t dx = -half_x; dx <= half_x; ++dx) {
                const int64_t from_x = int64_t{x} + dx;
                if (from_x < 0 || from_x >= input.width) {
                    fill(noise_, output, to, column);
                    to += column;
                    continue;
                }
                for (int32_t dy = -half_y; dy <= half_y; ++dy, to += input.features) {
                    const int64_t from_y = int64_t{y} + dy;
                    if (from_y < 0 || from_y >= input.height)
                        fill(noise_, output, to, input.features);
                    else
                        output.copy(to, input, input.at(static_cast<uint32_t>(from_y), static_cast<uint32_t>(from_x)),
                                    input.features);
                }
            }
        }
    return output;
}

Plane Forward::maxpool(const Layer& layer, const Plane& input) {
    Plane output(input.height / layer.y, input.width / layer.x, input.features, input.integers);
    for (uint32_t y = 0; y < output.height; ++y)
        for (uint32_t x = 0; x < output.width; ++x) {
            const size_t to = output.at(y, x);
            output.copy(to, input, input.at(y * layer.y, x * layer.x), input.features);
            for (uint32_t dy = 0; dy < layer.y; ++dy)
                for (uint32_t dx = 0; dx < layer.x; ++dx) {
                    const size_t from = input.at(y * layer.y + dy, x * layer.x + dx);
                    for (uint32_t f = 0; f < input.features; ++f)
                        if (input.integers)
                            output.ints[to + f] = std::max(output.ints[to + f], input.ints[from + f]);
                        else
                            output.reals[to + f] = std::max(output.reals[to + f], input.reals[from + f]);
                }
        }
    return output;
}

Plane Forward::reconfig(const Layer& layer, const Plane& input) {
    Plane output(input.height / layer.y, input.width / layer.x, layer.outputs, input.integers);
    for (uint32_t y = 0; y < output.height; ++y)
        for (uint32_t x = 0; x < output.width; ++x)
            for (uint32_t dx = 0; dx < layer.x; ++dx)
                for (uint32_t dy = 0; dy < layer.y; ++dy)
                    output.copy(output.at(y, x) + size_t{dx * layer.y + dy} * input.features, input,
                                input.at(y * layer.y + dy, x * layer.x + dx), input.features);
    return output;
}

Plane Forward::side_by_side(const Layer& layer, const Plane& input) {
    std::vector<Plane> parts;
    parts.reserve(layer.inner.size());
    for (const Layer& inner : layer.inner) parts.push_back(run(inner, input));
    Plane output(parts[0].height, parts[0].width, layer.outputs, parts[0].integers);
    const size_t pixels = size_t{output.height} * output.width;
    uint32_t offset = 0;
    for (const Plane& part : parts) {
        for (size_t p = 0; p < pixels; ++p)
            output.copy(p * output.features + offset, part, p * part.features, part.features);
        offset += part.features;
    }
    return output;
}

Plane Forward::reversed(const Plane& from, LayerType how) {
    const bool swaps = how == LayerType::transpose_xy;
    Plane to(swaps ? from.width : from.height, swaps ? from.height : from.width, from.features, from.integers);
    for (uint32_t y = 0; y < from.height; ++y)
        for (uint32_t x = 0; x < from.width; ++x) {
            const size_t place = swaps                         ? to.at(x, y)
                                 : how == LayerType::reverse_x ? to.at(y, from.width - 1 - x)
                                                               : to.at(from.height - 1 - y, x);
            to.copy(place, from, from.at(y, x), from.features);
        }
    return to;
}

Plane Forward::lstm(const Layer& layer, const Plane& input) const {
    const bool summary = layer.type == LayerType::lstm_summary;
    const uint32_t cells = layer.outputs;
    Plane output(input.height, summary ? 1 : input.width, cells, input.integers);
    // What goes into the gates: the input's features, then the outputs of the step before.
    Plane source(1, 1, layer.inputs + cells, input.integers);
    std::vector<float> state(cells);
    std::vector<float> last(cells);
    std::array<std::vector<float>, gate_count> gates;
    for (uint32_t y = 0; y < input.height; ++y) {
        std::fill(state.begin(), state.end(), 0.0f);
        std::fill(last.begin(), last.end(), 0.0f);
        for (uint32_t x = 0; x < input.width; ++x) {
            source.copy(0, input, input.at(y, x), layer.inputs);
            for (uint32_t c = 0; c < cells; ++c) source.set(layer.inputs + c, last[c]);
            for (size_t g = 0; g < gate_count; ++g) {
                multiply(layer.gates[g], source, 0, gates[g]);
                apply(g == cell_input ? LayerType::tanh : LayerType::logistic, gates[g]);
            }
            for (uint32_t c = 0; c < cells; ++c) {
                const float kept = state[c] * gates[forget_gate][c];
                const float added = gates[cell_input][c] * gates[input_gate][c];
                state[c] = std::clamp(kept + added, -state_limit, state_limit);
                last[c] = table_tanh(tables_, state[c]) * gates[output_gate][c];
                if (!summary) output.set(output.at(y, x) + c, last[c]);
            }
        }
        for (uint32_t c = 0; summary && c < cells; ++c) output.set(output.at(y, 0) + c, last[c]);
    }
    return output;
}

Plane Forward::fully_connected(const Layer& layer, const Plane& input) const {
    Plane output(input.height, input.width, layer.outputs, input.integers && layer.type != LayerType::softmax);
    std::vector<float> line;
    for (uint32_t y = 0; y < input.height; ++y)
        for (uint32_t x = 0; x < input.width; ++x) {
            multiply(layer.weights, input, input.at(y, x), line);
            apply(layer.type, line);
            for (uint32_t o = 0; o < layer.outputs; ++o) output.set(output.at(y, x) + o, line[o]);
        }
    return output;
}

void softmax(std::vector<float>& line) {
    constexpr float least = -86;  // e to it is the smallest normal float
    const float most = *std::max_element(line.begin(), line.end());
    float sum = 0;
    for (float& value : line) {
        value = std::exp(std::clamp(value - most, least, 0.0f));
        sum += value;
    }
    for (float& value : line) value /= sum;
}

void Forward::apply(LayerType type, std::vector<float>& line) const {
    // One layer without bounds after the other must not end in no number.
    constexpr float unbounded = 1e20f;
    if (type == LayerType::softmax) return softmax(line);
    for (float& value : line) {
        switch (type) {
            case LayerType::tanh:
                value = table_tanh(tables_, value);
                break;
            case LayerType::logistic:
                value = table_logistic(tables_, value);
                break;
            case LayerType::relu:
                value = std::clamp(value, 0.0f, unbounded);
                break;
            case LayerType::clip_0_1:
                value = std::clamp(value, 0.0f, 1.0f);
                break;
            case LayerType::clip_1_1:
                value = std::clamp(value, -1.0f, 1.0f);
                break;
            default:
                value = std::clamp(value, -unbounded, unbounded);
        }
    }
}

}  // namespace

Scores forward_reference(const Network& network, const LineImage& line) {
    Plane image(line.height, line.width, 1, network.integers);
    const Contrast contrast = contrast_of(line.pixels.data(), line.width, line.height);
    for (size_t i = 0; i < line.pixels.size(); ++i) {
        const float value = normalised(line.pixels[i], contrast);
        if (network.integers)
            image.ints[i] = static_cast<int8_t>(rounded(std::clamp(128 * value, -127.0f, 127.0f)));
        else
            image.reals[i] = value;
    }
    Forward forward(network);
    Plane output = forward.run(network.root, image);
    return {output.width, output.features, std::move(output.reals)};
}

}  // namespace pg_ocr::recognise
