#include "cuda/network_plan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "cuda/kernel_layouts.h"
#include "recognise/edge_noise.h"
#include "recognise/line_layers.h"
#include "recognise/step_scores.h"

namespace pg_ocr {
namespace {

using recognise::Layer;
using recognise::LineLayers;
using recognise::Network;
using recognise::patch_side;
using recognise::pool_side;
using recognise::Weights;

constexpr uint32_t four = 4;  // rows whose words lie together
constexpr uint32_t words_of_vector = 4;
constexpr uint32_t output_threads = 256;

class Packer {
  public:
    Packer(bool integers, std::vector<std::byte>& image) : integers_(integers), image_(image) {}

    /// Of numbers, those that fill up the last included.
    uint32_t vectors(uint32_t numbers) const {
        const uint32_t in_vector = words_of_vector * in_word();
        return (numbers + in_vector - 1) / in_vector;
    }
    uint32_t filled_up(uint32_t numbers) const { return vectors(numbers) * words_of_vector * in_word(); }

    MatrixPlan pack_lstm(const Layer& layer) {
        MatrixPlan made;
        made.across = filled_up(layer.outputs);
        made.vectors = vectors(layer.inputs);
        made.own_vectors = vectors(layer.outputs);
        const auto row = [&](uint32_t cell, uint32_t gate) { return Row{&layer.gates[gate], cell}; };
        made.weights = begin();
        put_words(made.across, row, 0, layer.inputs);
        put_words(made.across, row, layer.inputs, layer.outputs);
        put_ends(made, row);
        return made;
    }
    MatrixPlan pack_product(const Layer& layer) {
        MatrixPlan made;
        made.across = (layer.outputs + four - 1) / four;
        made.vectors = vectors(layer.inputs);
        const auto row = [&](uint32_t i, uint32_t k) { return Row{&layer.weights, four * i + k}; };
        made.weights = begin();
        put_words(made.across, row, 0, layer.inputs);
        put_ends(made, row);
        return made;
    }
    /// Each weight a word of its own.
    MatrixPlan pack_convolution(const Layer& layer) {
        MatrixPlan made;
        made.across = filled_up(layer.outputs) / four;
        const auto row = [&](uint32_t i, uint32_t k) { return Row{&layer.weights, four * i + k}; };
        made.weights = begin();
        for (uint32_t pixel = 0; pixel < patch_side * patch_side; ++pixel)
            for (uint32_t i = 0; i < made.across; ++i)
                for (uint32_t k = 0; k < four; ++k) put(single(row(i, k), pixel));
        put_ends(made, row);
        return made;
    }

  private:
    /// Of a matrix; beyond its outputs there are rows of zeros.
    struct Row {
        const Weights* weights;
        uint32_t output;
        bool is_there() const { return output < weights->outputs; }
        size_t at(uint32_t input) const { return size_t{output} * (weights->inputs + 1) + input; }
    };

    uint32_t in_word() const { return integers_ ? 4 : 1; }
    size_t begin() {
        image_.resize((image_.size() + vector_bytes - 1) / vector_bytes * vector_bytes);
        return image_.size();
    }
    void put(uint32_t word) {
        const auto bytes = std::bit_cast<std::array<std::byte, sizeof word>>(word);
        image_.insert(image_.end(), bytes.begin(), bytes.end());
    }
    uint32_t single(const Row& row, uint32_t input) const {
        if (!row.is_there()) return 0;
        if (!integers_) return std::bit_cast<uint32_t>(row.weights->reals[row.at(input)]);
        return static_cast<uint32_t>(int32_t{row.weights->integers[row.at(input)]});
    }
    /// Of inputs from the first on, as many as fill vectors.
    template <class RowOf>
    void put_words(uint32_t across, const RowOf& row, uint32_t first, uint32_t count) {
        for (uint32_t input = 0; input < filled_up(count); input += in_word())
            for (uint32_t i = 0; i < across; ++i)
                for (uint32_t k = 0; k < four; ++k) {
                    uint32_t word = 0;
                    for (uint32_t n = 0; n < in_word() && input + n < count; ++n) {
                        const uint32_t number = single(row(i, k), first + input + n);
                        word |= integers_ ? (number & 0xFF) << (8 * n) : number;
                    }
                    put(word);
                }
    }
    /// Biases and scales.
    template <class RowOf>
    void put_ends(MatrixPlan& made, const RowOf& row) {
        made.biases = begin();
        for (uint32_t i = 0; i < made.across; ++i)
            for (uint32_t k = 0; k < four; ++k) {
                const Row from = row(i, k);
                put((integers_ ? 127u : 1u) * single(from, from.weights->inputs));
            }
        made.scales = begin();
        for (uint32_t i = 0; i < made.across; ++i)
            for (uint32_t k = 0; k < four; ++k) {
                const Row from = row(i, k);
                put(integers_ && from.is_there() ? std::bit_cast<uint32_t>(from.weights->scales[from.output]) : 0);
            }
    }

    bool integers_;
    std::vector<std::byte>& image_;
};

size_t lstm_bytes(const MatrixPlan& matrix, const BlockPlan& block) {
    return SharedLstm::bytes(block.lanes(), size_t{matrix.vectors} + matrix.own_vectors, matrix.across);
}

size_t output_bytes(const MatrixPlan& matrix, const BlockPlan& block) {
    return vector_bytes * block.lanes() * matrix.vectors;
}

/// Four lanes share what is loaded of the weights; groups share tables, and the time that a load takes.
std::optional<BlockPlan> block_of_lstm(const MatrixPlan& matrix, size_t shared_limit) {
    const uint32_t across = std::min(matrix.across, most_threads);
    for (uint32_t lanes_each : {4u, 1u})
        for (uint32_t groups = most_threads / across; groups > 0; --groups)
            if (const BlockPlan block{across, groups, lanes_each}; lstm_bytes(matrix, block) <= shared_limit)
                return block;
    return std::nullopt;
}

std::optional<BlockPlan> block_of_output(const MatrixPlan& matrix, size_t shared_limit) {
    const uint32_t across = std::min(matrix.across, output_threads / 2);
    for (uint32_t groups = output_threads / across; groups > 0; --groups)
        if (const BlockPlan block{across, groups, 4}; output_bytes(matrix, block) <= shared_limit) return block;
    return std::nullopt;
}

/// After what has been laid out so far.
size_t lay_out(size_t& end, size_t bytes) {
    constexpr size_t aligned = 256;  // as the card's own
    return std::exchange(end, (end + bytes + aligned - 1) / aligned * aligned);
}

}  // namespace

uint32_t NetworkPlan::rows() const { return height / pool_side; }

size_t NetworkPlan::shared_bytes(const LstmPlan& lstm, uint32_t groups) const {
    return lstm_bytes(lstm.matrix, {lstm.most.across, groups, lstm.most.lanes_each});
}
size_t NetworkPlan::shared_bytes_of_output() const { return output_bytes(output, output_block); }
size_t NetworkPlan::shared_bytes_of_convolution() const { return SharedConvolution::bytes(height, number_bytes()); }

size_t NetworkPlan::plane_bytes(size_t plane) const {
    size_t numbers = plane == 0 ? size_t{rows()} * four * convolution.across : down.matrix.across;
    for (size_t i = plane; i < along.size(); i += 2) numbers = std::max<size_t>(numbers, along[i].matrix.across);
    return numbers * number_bytes();
}

SlotPlan NetworkPlan::slot(uint32_t places, uint32_t most_lines, uint32_t piece_steps) const {
    SlotPlan made;
    made.lines = lay_out(made.end, sizeof(CardLine) * most_lines);
    made.tiles = lay_out(made.end, sizeof(CardTile) * (size_t{places} / tile_steps + most_lines));
    made.pixels = lay_out(made.end, size_t{pool_side} * places * height);
    made.staged = made.end;
    for (size_t plane : {0, 1}) made.planes[plane] = lay_out(made.end, plane_bytes(plane) * places);
    made.scores = lay_out(made.end, sizeof(float) * piece_steps * classes);
    made.steps = lay_out(made.end, sizeof(recognise::StepScores) * places);
    made.steps_end = made.end;
    return made;
}

std::optional<NetworkPlan> plan_of(const Network& network, size_t shared_limit) {
    const std::optional<LineLayers> layers = recognise::line_layers(network);
    if (!layers) return std::nullopt;
    NetworkPlan made;
    made.integers = network.integers;
    made.height = network.height;
    made.classes = network.classes;
    made.seed = network.seed;
    made.null_class = static_cast<uint32_t>(network.null_code);
    if (made.shared_bytes_of_convolution() > shared_limit) return std::nullopt;
    Packer packer(made.integers, made.image);
    made.convolution = packer.pack_convolution(*layers->convolution);
    const auto planned = [&](const Layer& layer, bool right_to_left) {
        LstmPlan lstm{packer.pack_lstm(layer), {}, right_to_left};
        lstm.most = block_of_lstm(lstm.matrix, shared_limit).value_or(BlockPlan{});
        return lstm;
    };
    made.down = planned(*layers->down, false);
    for (const LineLayers::Along& each : layers->along) made.along.push_back(planned(*each.lstm, each.right_to_left));
    made.output = packer.pack_product(*layers->output);
    made.output_block = block_of_output(made.output, shared_limit).value_or(BlockPlan{});
    const auto is_too_large = [](const LstmPlan& lstm) { return lstm.most.groups == 0; };
    if (made.output_block.groups == 0 || is_too_large(made.down) ||
        std::any_of(made.along.begin(), made.along.end(), is_too_large))
        return std::nullopt;
    return made;
}

std::vector<std::byte> noise_of(const NetworkPlan& plan, uint32_t width) {
    recognise::EdgeNoise noise(plan.seed);
    const size_t count = noise_of_line(width, plan.height);
    std::vector<std::byte> made(count * plan.number_bytes());
    for (size_t i = 0; i < count; ++i)
        if (plan.integers) {
            made[i] = static_cast<std::byte>(noise.integer());
        } else {
            const float number = noise.real();
            std::memcpy(&made[i * sizeof number], &number, sizeof number);
        }
    return made;
}

}  // namespace pg_ocr
