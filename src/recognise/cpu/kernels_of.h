// The kernels, for a file that says how its CPU does vectors; each includes this once. `Number` has the vectors: of
// Weights, Sums and Reals, `width` outputs each; `tile`, how many lanes share what is loaded and leave their sums in
// registers; and `interleaved`, whether products and tables should take turns.
#pragma once

#include <math.h>

#include <utility>

#include "recognise/cpu/kernels.h"

namespace pg_ocr::recognise {
namespace {

constexpr uint32_t gates = 4;

/// Sums stay in registers only where every index is a constant: so no loops, but this.
template <class Body, uint32_t... indices>
[[gnu::always_inline]] inline void each_of(std::integer_sequence<uint32_t, indices...>, const Body& body) {
    (body(std::integral_constant<uint32_t, indices>()), ...);
}
template <uint32_t count, class Body>
[[gnu::always_inline]] inline void each(const Body& body) {
    each_of(std::make_integer_sequence<uint32_t, count>(), body);
}

/// 2 to the power of −½ to ½: the terms of a sum that is exact to 2⁻⁴².
constexpr uint32_t exp_terms = 11;
struct ExpTerms {
    double of[exp_terms];
};
constexpr ExpTerms make_exp_terms() {
    ExpTerms made{{1}};
    for (uint32_t i = 1; i < exp_terms; ++i) made.of[i] = made.of[i - 1] * 0.693147180559945309417 / i;
    return made;
}
constexpr ExpTerms two_to_the = make_exp_terms();
/// The bits that a double has more than a float say how it is rounded. libm's exp errs by less than 0.502 of the last
/// place: so within 0.004 of a half, libm itself is asked.
constexpr int float_rest_bits = 29;
constexpr int64_t doubtful_rest = 1 << 21;

template <class Number, uint32_t lanes>
struct Tile {
    typename Number::Sums sums[gates][lanes];

    [[gnu::always_inline]] explicit Tile(const uint32_t* biases) {
        each<gates>([&](auto g) __attribute__((always_inline)) {
            each<lanes>([&](auto lane) __attribute__((always_inline)) {
                sums[g.value][lane.value] = Number::bias(biases + g.value * Number::width);
            });
        });
    }
    /// Adds the products of a word of each row; `weights` goes on to those of the next.
    [[gnu::always_inline]] void add(const uint32_t*& weights, const uint8_t* const (&rows)[lanes], uint32_t word) {
        typename Number::Weights from[gates];
        each<gates>([&](auto g) __attribute__((always_inline)) {
            from[g.value] = Number::weights(weights + g.value * Number::width);
        });
        weights += gates * Number::width;
        each<lanes>([&](auto lane) __attribute__((always_inline)) {
            const auto activations = Number::repeated(rows[lane.value] + size_t{4} * word);
            each<gates>([&](auto g) __attribute__((always_inline)) {
                auto& sum = sums[g.value][lane.value];
                sum = Number::sum(sum, activations, from[g.value]);
            });
        });
    }
};

/// A vector on its way to a table. Its indices go through memory, the quickest way to where loads are addressed; it
/// takes a while, so there should be others to begin with before any is ended.
template <class Number>
struct Lookup {
    alignas(64) float values[Number::width];      ///< table_scale times what is looked up
    alignas(64) uint32_t indices[Number::width];  ///< of their absolute values

    [[gnu::always_inline]] void begin(typename Number::Reals x) {
        x = Number::table_steps(x);
        Number::store(values, x);
        Number::store_indices(indices, Number::limited(x));
    }
    [[gnu::always_inline]] typename Number::Reals tanh(const PairedTables& tables) const {
        return Number::with_sign_of(Number::reals(values), found(tables.tanh));
    }
    [[gnu::always_inline]] typename Number::Reals logistic(const PairedTables& tables) const {
        return Number::one_less_where_negative(Number::reals(values), found(tables.logistic));
    }

  private:
    [[gnu::always_inline]] typename Number::Reals found(const PairedTable& table) const {
        return Number::between(table, indices, Number::limited(Number::reals(values)));
    }
};

/// One step of an LSTM, tile by tile. Products and tables want different parts of a CPU: so, if they are interleaved,
/// the cells of a tile wait, and are looked up between the products of the next one.
template <class Number>
class LstmStep {
  public:
    LstmStep(const PackedMatrix& matrix, const LstmLanes& batch, const PairedTables& tables)
        : matrix_(matrix), batch_(batch), tables_(tables) {}

    template <uint32_t lanes>
    void tile(uint32_t block, uint32_t first) {
        const uint8_t* inputs[lanes];
        const uint8_t* before[lanes];
        for (uint32_t lane = 0; lane < lanes; ++lane) {
            inputs[lane] = static_cast<const uint8_t*>(batch_.inputs[first + lane]);
            before[lane] = static_cast<const uint8_t*>(batch_.before[first + lane]);
        }
        const uint32_t words = matrix_.input_words + matrix_.own_words;
        const uint32_t* weights = matrix_.weights + size_t{block} * words * outputs;
        Tile<Number, lanes> tile(matrix_.biases + size_t{block} * outputs);
        uint32_t done = 0;
        const auto add_until = [&](uint32_t end) __attribute__((always_inline)) {
            const uint32_t of_input = matrix_.input_words;
            for (; done < end && done < of_input; ++done) tile.add(weights, inputs, done);
            for (; done < end; ++done) tile.add(weights, before, done - of_input);
        };
        if (Number::interleaved && waiting_ > 0) {
            const uint32_t share = words / parts;
            uint32_t due = 0;
            finish([&]() __attribute__((always_inline)) { add_until(due += share); });
        }
        add_until(words);

        const float* scales = matrix_.scales + size_t{block} * outputs;
        each<lanes>([&](auto lane) __attribute__((always_inline)) {
            each<gates>([&](auto g) __attribute__((always_inline)) {
                gates_[lane.value][g.value].begin(
                    Number::scaled(tile.sums[g.value][lane.value], scales + g.value * Number::width));
            });
        });
        waiting_ = lanes;
        first_ = first;
        cell_ = size_t{block} * Number::width;
        if (!Number::interleaved) finish([] {});
    }

    /// The tile that waits. All of a kind, then all of the next: what one has to wait for, others fill. Calls `between`
    /// before those of each kind.
    template <class Between>
    [[gnu::always_inline]] void finish(const Between& between) {
        each<parts>([&](auto part) __attribute__((always_inline)) {
            between();
            for (uint32_t lane = 0; lane < waiting_; ++lane) finish_part<part.value>(lane);
        });
        waiting_ = 0;
    }

  private:
    using Reals = typename Number::Reals;
    static constexpr uint32_t outputs = gates * Number::width;
    static constexpr uint32_t parts = gates + 1;

    template <uint32_t part>
    [[gnu::always_inline]] void finish_part(uint32_t lane) {
        auto& gate = gates_[lane];
        if constexpr (part == 0) {
            Number::store(gate[0].values, gate[0].tanh(tables_));
        } else if constexpr (part == 1) {
            Number::store(gate[1].values, gate[1].logistic(tables_));
        } else if constexpr (part == 2) {
            float* state = batch_.states + size_t{first_ + lane} * matrix_.blocks * Number::width + cell_;
            const Reals next = Number::new_state(Number::reals(state), gate[2].logistic(tables_),
                                                 Number::reals(gate[0].values), Number::reals(gate[1].values));
            Number::store(state, next);
            gate[0].begin(next);
        } else if constexpr (part == 3) {
            Number::store(gate[3].values, gate[3].logistic(tables_));
        } else {
            Number::store_activations(
                static_cast<uint8_t*>(batch_.outputs[first_ + lane]) + cell_ * Number::activation_bytes,
                Number::multiplied(gate[0].tanh(tables_), Number::reals(gate[3].values)));
        }
    }

    const PackedMatrix& matrix_;
    const LstmLanes& batch_;
    const PairedTables& tables_;
    /// Of the tile that waits: how many lanes, from which on, which cells, and what goes into their gates.
    uint32_t waiting_ = 0;
    uint32_t first_ = 0;
    size_t cell_ = 0;
    Lookup<Number> gates_[Number::tile][gates];
};

template <class Number, uint32_t lanes>
void product_tile(const PackedMatrix& matrix, uint32_t block, const uint8_t* first, size_t stride, float* to) {
    const uint8_t* rows[lanes];
    for (uint32_t lane = 0; lane < lanes; ++lane) rows[lane] = first + lane * stride;
    constexpr uint32_t outputs = gates * Number::width;
    const uint32_t* weights = matrix.weights + size_t{block} * matrix.input_words * outputs;
    Tile<Number, lanes> tile(matrix.biases + size_t{block} * outputs);
    for (uint32_t word = 0; word < matrix.input_words; ++word) tile.add(weights, rows, word);
    each<lanes>([&](auto lane) __attribute__((always_inline)) {
        each<gates>([&](auto g) __attribute__((always_inline)) {
            Number::store(to + (lane.value * size_t{matrix.blocks} + block) * outputs + g.value * Number::width,
                          Number::scaled(tile.sums[g.value][lane.value],
                                         matrix.scales + (size_t{block} * gates + g.value) * Number::width));
        });
    });
}

/// Calls run.template operator()<lanes>(first lane) so often that all lanes had their turn, in tiles of like size.
template <uint32_t tile, class Run>
[[gnu::always_inline]] inline void in_tiles(uint32_t count, const Run& run) {
    for (uint32_t first = 0; first < count;) {
        const uint32_t left = count - first;
        const uint32_t tiles = (left + tile - 1) / tile;
        const uint32_t size = (left + tiles - 1) / tiles;
        if (size == 1) run.template operator()<1>(first);
        if (size == 2) run.template operator()<2>(first);
        if constexpr (tile >= 3)
            if (size == 3) run.template operator()<3>(first);
        if constexpr (tile >= 4)
            if (size == 4) run.template operator()<4>(first);
        if constexpr (tile >= 5)
            if (size == 5) run.template operator()<5>(first);
        if constexpr (tile >= 6)
            if (size == 6) run.template operator()<6>(first);
        static_assert(tile >= 2 && tile <= 6);
        first += size;
    }
}

template <class Number>
void lstm(const PackedMatrix& matrix, const LstmLanes& batch, const PairedTables& tables) {
    LstmStep<Number> step(matrix, batch, tables);
    for (uint32_t block = 0; block < matrix.blocks; ++block)
        in_tiles<Number::tile>(batch.count,
                               [&]<uint32_t lanes>(uint32_t first) { step.template tile<lanes>(block, first); });
    step.finish([] {});
}

template <class Number>
void product(const PackedMatrix& matrix, const uint8_t* rows, size_t stride, uint32_t count, float* sums) {
    const size_t outputs = size_t{matrix.blocks} * gates * Number::width;
    for (uint32_t block = 0; block < matrix.blocks; ++block)
        in_tiles<Number::tile>(count, [&]<uint32_t lanes>(uint32_t first) {
            product_tile<Number, lanes>(matrix, block, rows + first * stride, stride, sums + first * outputs);
        });
}

/// The greatest of the sums of a pool.
template <class Number, uint32_t column_words>
[[gnu::always_inline]] inline typename Number::Sums greatest_of(const Pool& pool, const uint32_t* bias,
                                                                const typename Number::Weights* weights) {
    using Sums = typename Number::Sums;
    Sums sums[patches_of_a_pool];
    each<patches_of_a_pool>([&](auto patch) __attribute__((always_inline)) { sums[patch.value] = Number::bias(bias); });
    if (pool.pixels.first != nullptr) {
        each<5>([&](auto column) __attribute__((always_inline)) {
            each<3>([&](auto row) __attribute__((always_inline)) {
                each<column_words>([&](auto word) __attribute__((always_inline)) {
                    const auto pixels = Number::repeated(pool.pixels.first + column.value * pool.pixels.stride +
                                                         row.value * Number::activation_bytes + size_t{4} * word.value);
                    each<3>([&](auto x) __attribute__((always_inline)) {
                        if constexpr (x.value <= column.value && column.value < x.value + 3) {
                            Sums& sum = sums[row.value * 3 + x.value];
                            sum =
                                Number::sum(sum, pixels, weights[(column.value - x.value) * column_words + word.value]);
                        }
                    });
                });
            });
        });
    } else {
        each<patches_of_a_pool>([&](auto patch) __attribute__((always_inline)) {
            const Columns& columns = pool.patches[patch.value];
            for (uint32_t column = 0; column < 3; ++column)
                for (uint32_t word = 0; word < column_words; ++word)
                    sums[patch.value] = Number::sum(
                        sums[patch.value], Number::repeated(columns.first + column * columns.stride + size_t{4} * word),
                        weights[column * column_words + word]);
        });
    }
    each<patches_of_a_pool>([&](auto patch) __attribute__((always_inline)) {
        sums[0] = Number::greater(sums[0], sums[patch.value]);
    });
    return sums[0];
}

/// tanh and what rounds it rise, and no scale is negative: so the greatest sum has the greatest tanh, and the other
/// eight are not needed.
template <class Number>
void convolve(const PackedMatrix& matrix, const Pool* pools, uint32_t count, uint8_t* to, size_t stride,
              const PairedTables& tables) {
    constexpr uint32_t in_word = 4 / Number::activation_bytes;
    constexpr uint32_t column_words = (3 + in_word - 1) / in_word;
    Lookup<Number> greatest[2];
    const auto finish = [&](uint32_t block, uint32_t pool) __attribute__((always_inline)) {
        Number::store_activations(to + pool * stride + block * Number::width * Number::activation_bytes,
                                  greatest[pool % 2].tanh(tables));
    };
    for (uint32_t block = 0; block < matrix.blocks; ++block) {
        typename Number::Weights weights[3 * column_words];
        for (uint32_t word = 0; word < 3 * column_words; ++word)
            weights[word] = Number::weights(matrix.weights + (block * 3 * column_words + word) * Number::width);
        for (uint32_t pool = 0; pool < count; ++pool) {
            greatest[pool % 2].begin(Number::scaled(
                greatest_of<Number, column_words>(pools[pool], matrix.biases + block * Number::width, weights),
                matrix.scales + block * Number::width));
            if (pool > 0) finish(block, pool - 1);
        }
        if (count > 0) finish(block, count - 1);
    }
}

template <class Number>
void softmax(float* rows, size_t stride, uint32_t count, uint32_t classes) {
    constexpr float least = -86;  // e to it is the smallest normal float
    for (uint32_t i = 0; i < count; ++i) {
        float* row = rows + i * stride;
        for (size_t at = classes; at < stride; ++at) row[at] = row[0];
        auto most = Number::reals(row);
        for (size_t at = Number::width; at < stride; at += Number::width)
            most = Number::greater_real(most, Number::reals(row + at));
        most = Number::greatest_everywhere(most);
        for (size_t at = 0; at < stride; at += Number::width) {
            float exponents[Number::width];
            const auto x = Number::less_than(most, Number::reals(row + at), least);
            Number::store(exponents, x);
            for (uint32_t doubts = Number::store_exp(row + at, x); doubts != 0; doubts &= doubts - 1) {
                const auto lane = static_cast<uint32_t>(__builtin_ctz(doubts));
                row[at + lane] = expf(exponents[lane]);
            }
        }
    }
    // A sum is one after the other; so some rows side by side.
    constexpr uint32_t together = 4;
    for (uint32_t first = 0; first < count; first += together) {
        float* row[together];
        float total[together] = {};
        for (uint32_t i = 0; i < together; ++i) row[i] = rows + (first + i < count ? first + i : count - 1) * stride;
        for (uint32_t at = 0; at < classes; ++at)
            for (uint32_t i = 0; i < together; ++i) total[i] += row[i][at];
        for (uint32_t i = 0; i < together && first + i < count; ++i)
            for (size_t at = 0; at < stride; at += Number::width)
                Number::store(row[i] + at, Number::divided(Number::reals(row[i] + at), total[i]));
    }
}

template <class Number>
constexpr Kernels kernels_of() {
    return {Number::activation, Number::width, lstm<Number>, product<Number>, convolve<Number>, softmax<Number>};
}

}  // namespace
}  // namespace pg_ocr::recognise
