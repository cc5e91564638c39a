#include "recognise/cpu/packed_network.h"

#include <algorithm>
#include <bit>
#include <span>

#include "recognise/line_layers.h"

namespace pg_ocr::recognise {
namespace {

uint32_t numbers_in_word(Activation activation) {
    switch (activation) {
        case Activation::offset_bytes:
            return 4;
        case Activation::shorts:
            return 2;
        default:
            return 1;
    }
}

/// Weights of several matrices of one shape, in the order of kernels.
class Packer {
  public:
    /// Of each matrix, vectors of outputs lie side by side. `segments`: how many inputs each begins a word of its own.
    Packer(const Kernels& kernels, std::span<const Weights* const> matrices, std::span<const uint32_t> segments)
        : kernels_(kernels), matrices_(matrices), segments_(segments), in_word_(numbers_in_word(kernels.activation)) {}

    /// `together` vectors: one of each matrix, or that many neighbours of the only one.
    OwnedMatrix pack(uint32_t together) {
        OwnedMatrix made;
        const uint32_t outputs = matrices_[0]->outputs;
        const uint32_t in_block = kernels_.width * (matrices_.size() == 1 ? together : 1);
        made.packed.blocks = (outputs + in_block - 1) / in_block;
        made.packed.together = together;
        for (uint32_t block = 0; block < made.packed.blocks; ++block) {
            uint32_t input = 0;
            for (uint32_t length : segments_) {
                for (uint32_t i = 0; i < length; i += in_word_)
                    for (uint32_t vector = 0; vector < together; ++vector)
                        for (uint32_t lane = 0; lane < kernels_.width; ++lane)
                            made.weights.push_back(
                                word(row(block, vector, lane, together), input + i, std::min(in_word_, length - i)));
                input += length;
            }
            for (uint32_t vector = 0; vector < together; ++vector)
                for (uint32_t lane = 0; lane < kernels_.width; ++lane) {
                    const Row from = row(block, vector, lane, together);
                    made.biases.push_back(bias(from));
                    made.scales.push_back(from.weights != nullptr && from.weights->are_integers()
                                              ? from.weights->scales[from.output]
                                              : 0);
                }
        }
        made.weights.shrink_to_fit();
        made.biases.shrink_to_fit();
        made.scales.shrink_to_fit();
        return made;
    }

  private:
    struct Row {
        const Weights* weights;  ///< null: fills up a vector
        uint32_t output;
        size_t at(uint32_t input) const { return size_t{output} * (weights->inputs + 1) + input; }
    };

    Row row(uint32_t block, uint32_t vector, uint32_t lane, uint32_t together) const {
        const bool is_alone = matrices_.size() == 1;
        const Weights* weights = matrices_[is_alone ? 0 : vector];
        const uint32_t vectors_before = is_alone ? block * together + vector : block;
        const uint32_t output = vectors_before * kernels_.width + lane;
        return {output < weights->outputs ? weights : nullptr, output};
    }
    uint32_t word(const Row& from, uint32_t input, uint32_t count) const {
        if (from.weights == nullptr) return 0;
        if (kernels_.activation == Activation::floats)
            return std::bit_cast<uint32_t>(from.weights->reals[from.at(input)]);
        const uint32_t bits = 32 / in_word_;
        uint32_t made = 0;
        for (uint32_t i = 0; i < count; ++i) {
            const auto weight = static_cast<uint32_t>(int32_t{from.weights->integers[from.at(input + i)]});
            made |= (weight & (0xffffffffu >> (32 - bits))) << (i * bits);
        }
        return made;
    }
    uint32_t bias(const Row& from) const {
        if (from.weights == nullptr) return 0;
        const uint32_t inputs = from.weights->inputs;
        if (kernels_.activation == Activation::floats)
            return std::bit_cast<uint32_t>(from.weights->reals[from.at(inputs)]);
        int32_t sum = 127 * from.weights->integers[from.at(inputs)];
        if (kernels_.activation == Activation::offset_bytes)
            for (uint32_t i = 0; i < inputs; ++i) sum -= 128 * from.weights->integers[from.at(i)];
        return static_cast<uint32_t>(sum);
    }

    const Kernels& kernels_;
    std::span<const Weights* const> matrices_;
    std::span<const uint32_t> segments_;
    uint32_t in_word_;
};

void point(OwnedMatrix& matrix) {
    matrix.packed.weights = matrix.weights.data();
    matrix.packed.biases = matrix.biases.data();
    matrix.packed.scales = matrix.scales.data();
}

uint32_t words(uint32_t numbers, const Kernels& kernels) {
    const uint32_t in_word = numbers_in_word(kernels.activation);
    return (numbers + in_word - 1) / in_word;
}

OwnedMatrix pack_lstm(const Layer& layer, const Kernels& kernels) {
    const Weights* gates[gate_count];
    for (size_t g = 0; g < gate_count; ++g) gates[g] = &layer.gates[g];
    const uint32_t segments[] = {layer.inputs, layer.outputs};
    OwnedMatrix made = Packer(kernels, gates, segments).pack(gate_count);
    made.packed.input_words = words(layer.inputs, kernels);
    made.packed.own_words = words(layer.outputs, kernels);
    return made;
}

OwnedMatrix pack_product(const Layer& layer, const Kernels& kernels) {
    const Weights* only[] = {&layer.weights};
    const uint32_t segments[] = {layer.inputs};
    OwnedMatrix made = Packer(kernels, only, segments).pack(gate_count);
    made.packed.input_words = words(layer.inputs, kernels);
    return made;
}

OwnedMatrix pack_convolution(const Layer& layer, const Kernels& kernels) {
    const Weights* only[] = {&layer.weights};
    const uint32_t segments[] = {patch_side, patch_side, patch_side};
    OwnedMatrix made = Packer(kernels, only, segments).pack(1);
    made.packed.input_words = patch_side * words(patch_side, kernels);
    return made;
}

PairedTable paired(const float (&table)[table_size]) {
    PairedTable made;
    for (uint32_t i = 0; i + 1 < table_size; ++i) {
        made.pairs[i][0] = table[i];
        made.pairs[i][1] = table[i + 1] - table[i];
    }
    made.pairs[table_size - 1][0] = 1;
    made.pairs[table_size - 1][1] = 0;
    return made;
}

}  // namespace

const PairedTables& paired_tables() {
    static const PairedTables made = {paired(tables().tanh), paired(tables().logistic)};
    return made;
}

std::unique_ptr<PackedNetwork> pack(const Network& network, const Kernels& of_integers, const Kernels& of_floats) {
    const std::optional<LineLayers> layers = line_layers(network);
    if (!layers) return nullptr;
    const Kernels& kernels = network.integers ? of_integers : of_floats;
    auto made = std::make_unique<PackedNetwork>();
    made->kernels = &kernels;
    made->height = network.height;
    made->classes = network.classes;
    made->seed = network.seed;
    made->convolution = pack_convolution(*layers->convolution, kernels);
    made->down = pack_lstm(*layers->down, kernels);
    for (const LineLayers::Along& along : layers->along)
        made->along.push_back({pack_lstm(*along.lstm, kernels), along.right_to_left});
    made->output = pack_product(*layers->output, kernels);
    point(made->convolution);
    point(made->down);
    for (PackedLstm& lstm : made->along) point(lstm.matrix);
    point(made->output);
    return made;
}

size_t PackedNetwork::bytes() const {
    const auto of = [](const OwnedMatrix& matrix) {
        return sizeof(uint32_t) * (matrix.weights.capacity() + matrix.biases.capacity() + matrix.scales.capacity());
    };
    size_t sum = sizeof *this + of(convolution) + of(down) + of(output);
    for (const PackedLstm& lstm : along) sum += sizeof lstm + of(lstm.matrix);
    return sum;
}

}  // namespace pg_ocr::recognise
