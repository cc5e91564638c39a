// A network as a card holds it: weights in the kernels' order, how many threads take them, and how much memory a batch
// of lines needs on its way through. Plain C++: that much is the same on any card.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cuda/card_batch.h"
#include "recognise/network.h"

namespace pg_ocr {

/// A CardMatrix, by where in NetworkPlan::image its parts begin.
struct MatrixPlan {
    size_t weights = 0;
    size_t biases = 0;
    size_t scales = 0;
    uint32_t across = 0;
    uint32_t vectors = 0;
    uint32_t own_vectors = 0;
};

/// The threads of a block: `across` by `groups`, each of which takes so many lanes. A card gets more blocks of fewer
/// groups where there are not many lanes.
struct BlockPlan {
    uint32_t across = 0;
    uint32_t groups = 0;
    uint32_t lanes_each = 0;  ///< 4, or of an LSTM 1 where four do not fit
    uint32_t lanes() const { return groups * lanes_each; }
};

struct LstmPlan {
    MatrixPlan matrix;
    BlockPlan most;
    bool right_to_left = false;
};

/// Where in a slot's memory the parts of a batch begin. What staging holds is a copy on the host's side.
struct SlotPlan {
    size_t lines = 0, tiles = 0, pixels = 0, staged = 0;  ///< staged: the end of what is uploaded
    size_t planes[2] = {};                                ///< layers read the one and write the other
    size_t scores = 0;                                    ///< of some steps, one piece after the other
    size_t steps = 0, steps_end = 0;                      ///< what is downloaded
    size_t end = 0;
};

struct NetworkPlan {
    bool integers = false;
    uint32_t height = 0;
    uint32_t classes = 0;
    uint64_t seed = 0;
    uint32_t null_class = 0;
    MatrixPlan convolution;
    LstmPlan down;
    std::vector<LstmPlan> along;
    MatrixPlan output;
    BlockPlan output_block;
    std::vector<std::byte> image;  ///< of all matrices

    uint32_t rows() const;  ///< of pools, from the top of a line
    size_t number_bytes() const { return integers ? 1 : sizeof(float); }
    size_t shared_bytes(const LstmPlan&, uint32_t groups) const;
    size_t shared_bytes_of_output() const;
    size_t shared_bytes_of_convolution() const;
    /// Of one plane and the other, for each place.
    size_t plane_bytes(size_t plane) const;
    /// With places, and pixels across, for a batch of so many.
    SlotPlan slot(uint32_t places, uint32_t most_lines, uint32_t piece_steps) const;
};

/// For cards of which a block may have so much shared memory. Nothing where the network is not of the shape that the
/// kernels run, or too large for them. Throws std::bad_alloc.
std::optional<NetworkPlan> plan_of(const recognise::Network&, size_t shared_limit);

/// As much noise as the widest line uses up, in the numbers of the network.
std::vector<std::byte> noise_of(const NetworkPlan&, uint32_t width);

}  // namespace pg_ocr
