#include "recognise/cpu/forward.h"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "recognise/edge_noise.h"
#include "recognise/line.h"
#include "recognise/line_layers.h"

namespace pg_ocr::recognise {
namespace {

/// More share the weights that are loaded, but need more memory at a time.
constexpr size_t lines_at_once = 12;
/// Columns that go down side by side, and steps whose classes are weighed: their rows stay in the first cache.
constexpr uint32_t columns_at_once = 24;

/// How the kernels store a number between two layers.
template <class Number>
struct Stored {
    static constexpr Number zero = std::is_same_v<Number, uint8_t> ? 128 : 0;
    static Number pixel(float normal) {
        if constexpr (std::is_same_v<Number, float>)
            return normal;
        else
            return static_cast<Number>(rounded(std::clamp(128 * normal, -127.0f, 127.0f)) + zero);
    }
    static Number noise(EdgeNoise& from) {
        if constexpr (std::is_same_v<Number, float>)
            return from.real();
        else
            return static_cast<Number>(from.integer() + zero);
    }
    static constexpr uint32_t in_word = 4 / sizeof(Number);
    /// The three of a column of a patch, in whole words.
    static constexpr uint32_t patch_column = (patch_side + in_word - 1) / in_word * in_word;
};

/// What lies between two layers, in memory that others use after it: `stride` numbers in each place, those of a
/// kernel's vectors.
template <class Number>
struct Plane {
    Plane(std::vector<Number>& memory, size_t places, const PackedMatrix& from, uint32_t width)
        : stride(size_t{from.blocks} * width) {
        if (memory.size() < places * stride + padding) memory.resize(places * stride + padding, Stored<Number>::zero);
        numbers = memory.data();
    }
    Number* at(size_t place) const { return numbers + place * stride; }
    /// The last word of the last place may reach beyond it.
    static constexpr size_t padding = 16;
    size_t stride;
    Number* numbers;
};

/// What passes leave to the next.
template <class Number>
struct PlaneMemory {
    std::vector<Number> planes[2];
};

/// A line as the convolution takes it: columns of normal numbers, and of each pixel at an edge a patch of its own,
/// since it sees noise that no other does.
template <class Number>
class ConvolvedLine {
  public:
    ConvolvedLine(const LinePixels& line, uint32_t height, std::span<const Number> noise)
        : height_(height), width_(line.width), pixels_(size_t{line.width} * height + Plane<Number>::padding) {
        const Contrast contrast = contrast_of(line.pixels, line.width, height);
        Number normal[256];
        for (uint32_t grey = 0; grey < 256; ++grey)
            normal[grey] = Stored<Number>::pixel(normalised(static_cast<uint8_t>(grey), contrast));
        for (uint32_t x = 0; x < width_; ++x)
            for (uint32_t y = 0; y < height; ++y)
                pixels_[size_t{x} * height + y] = normal[line.pixels[size_t{y} * width_ + x]];
        edges_.resize(size_t{2} * (width_ + height) * patch_numbers);
        for (uint32_t y = 0; y < height; ++y) {
            const uint32_t step = y == 0 || y + 1 == height || width_ == 1 ? 1 : width_ - 1;
            for (uint32_t x = 0; x < width_; x += step) noise = fill_edge(x, y, noise);
        }
    }
    /// How much noise a line uses up.
    static size_t noise_for(uint32_t width, uint32_t height) {
        return size_t{2} * patch_side * (size_t{width} + height) + size_t{4} * patch_side;
    }

    void fill(Pool& to, uint32_t column, uint32_t row) const {
        const uint32_t left = pool_side * column, top = pool_side * row;
        to.pixels = {};
        if (column > 0 && row > 0 && left + pool_side < width_ && top + pool_side < height_) {
            to.pixels = inside(left, top);
            return;
        }
        for (uint32_t y = 0; y < pool_side; ++y)
            for (uint32_t x = 0; x < pool_side; ++x) to.patches[y * pool_side + x] = patch(left + x, top + y);
    }

  private:
    static constexpr size_t patch_numbers = size_t{patch_side} * Stored<Number>::patch_column;

    bool is_at_edge(uint32_t x, uint32_t y) const { return x == 0 || y == 0 || x + 1 == width_ || y + 1 == height_; }
    size_t edge(uint32_t x, uint32_t y) const {
        const size_t place = y == 0             ? x
                             : y + 1 == height_ ? width_ + x
                             : x == 0           ? 2 * width_ + y
                                                : 2 * width_ + height_ + y;
        return place * patch_numbers;
    }
    /// Those from a pixel's upper left neighbour on.
    Columns inside(uint32_t x, uint32_t y) const {
        return {bytes(&pixels_[size_t{x - 1} * height_ + y - 1]), sizeof(Number) * height_};
    }
    Columns patch(uint32_t x, uint32_t y) const {
        return is_at_edge(x, y) ? Columns{bytes(&edges_[edge(x, y)]), sizeof(Number) * Stored<Number>::patch_column}
                                : inside(x, y);
    }
    static const uint8_t* bytes(const Number* numbers) { return reinterpret_cast<const uint8_t*>(numbers); }

    std::span<const Number> fill_edge(uint32_t x, uint32_t y, std::span<const Number> noise) {
        Number* to = &edges_[edge(x, y)];
        for (uint32_t column = x; column < x + patch_side; ++column, to += Stored<Number>::patch_column)
            for (uint32_t i = 0; i < patch_side; ++i) {
                const uint32_t row = y + i;  // one too many, like column: below 0 is no number
                const bool is_inside = column >= 1 && column <= width_ && row >= 1 && row <= height_;
                to[i] = is_inside ? pixels_[size_t{column - 1} * height_ + row - 1] : noise.front();
                if (!is_inside) noise = noise.subspan(1);
            }
        return noise;
    }

    uint32_t height_;
    uint32_t width_;
    std::vector<Number> pixels_;  // column by column
    std::vector<Number> edges_;
};

/// Some lines, from the widest on, in lockstep.
template <class Number>
class Pass {
  public:
    Pass(const PackedNetwork& network, std::span<const LinePixels> lines, PlaneMemory<Number>& memory)
        : network_(network), kernels_(*network.kernels), lines_(lines), memory_(memory) {
        for (const LinePixels& line : lines) {
            first_.push_back(columns_);
            columns_ += steps(line);
        }
    }

    void run(std::span<const Number> noise, std::span<float* const> scores) const {
        Plane<Number> plane = down(noise, memory_.planes[0]);
        size_t next = 1;
        for (const PackedLstm& lstm : network_.along) {
            plane = along(lstm, plane, memory_.planes[next]);
            next = 1 - next;
        }
        weigh(plane, scores);
    }

  private:
    static uint32_t steps(const LinePixels& line) { return line.width / pool_side; }
    uint32_t rows() const { return network_.height / pool_side; }

    /// Of all lines, column by column, some columns at a time: first they are convolved.
    Plane<Number> down(std::span<const Number> noise, std::vector<Number>& memory) const {
        const PackedMatrix& matrix = network_.down.packed;
        const Plane<Number> to(memory, columns_, matrix, kernels_.width);
        std::vector<Number> of_convolved, of_between;
        const Plane<Number> convolved(of_convolved, size_t{columns_at_once} * rows(), network_.convolution.packed,
                                      kernels_.width);
        // The outputs of even rows and of odd ones; only those of the last row go on.
        const Plane<Number> between(of_between, size_t{2} * columns_at_once, matrix, kernels_.width);
        const std::vector<Number> zeros(to.stride + Plane<Number>::padding, Stored<Number>::zero);
        std::vector<float> states(columns_at_once * to.stride);
        std::vector<Pool> pools(rows());
        const void* inputs[columns_at_once];
        const void* before[columns_at_once];
        void* outputs[columns_at_once];
        uint32_t count = 0;
        const auto take_down = [&](size_t first) {
            std::fill(states.begin(), states.end(), 0.0f);
            for (uint32_t row = 0; row < rows(); ++row) {
                for (uint32_t i = 0; i < count; ++i) {
                    inputs[i] = convolved.at(size_t{i} * rows() + row);
                    before[i] = row == 0 ? zeros.data() : between.at(size_t{(row + 1) % 2} * columns_at_once + i);
                    outputs[i] =
                        row + 1 == rows() ? to.at(first + i) : between.at(size_t{row % 2} * columns_at_once + i);
                }
                kernels_.lstm(matrix, {count, inputs, before, outputs, states.data()}, paired_tables());
            }
            count = 0;
        };
        for (size_t i = 0; i < lines_.size(); ++i) {
            const ConvolvedLine<Number> line(lines_[i], network_.height, noise);
            for (uint32_t column = 0; column < steps(lines_[i]); ++column) {
                for (uint32_t row = 0; row < rows(); ++row) line.fill(pools[row], column, row);
                kernels_.convolve(network_.convolution.packed, pools.data(), rows(),
                                  reinterpret_cast<uint8_t*>(convolved.at(size_t{count} * rows())),
                                  sizeof(Number) * convolved.stride, paired_tables());
                if (++count == columns_at_once) take_down(first_[i] + column + 1 - count);
            }
        }
        if (count > 0) take_down(columns_ - count);
        return to;
    }

    Plane<Number> along(const PackedLstm& lstm, const Plane<Number>& from, std::vector<Number>& memory) const {
        const PackedMatrix& matrix = lstm.matrix.packed;
        const Plane<Number> to(memory, columns_, matrix, kernels_.width);
        const std::vector<Number> zeros(to.stride + Plane<Number>::padding, Stored<Number>::zero);
        std::vector<float> states(lines_.size() * to.stride);
        const void* inputs[lines_at_once];
        const void* before[lines_at_once];
        void* outputs[lines_at_once];
        auto running = static_cast<uint32_t>(lines_.size());
        for (uint32_t step = 0; step < steps(lines_[0]); ++step) {
            while (steps(lines_[running - 1]) <= step) --running;
            for (uint32_t i = 0; i < running; ++i) {
                const size_t start = first_[i] + (lstm.right_to_left ? steps(lines_[i]) - 1 : 0);
                const auto place = [&](uint32_t t) { return lstm.right_to_left ? start - t : start + t; };
                inputs[i] = from.at(place(step));
                before[i] = step == 0 ? zeros.data() : to.at(place(step - 1));
                outputs[i] = to.at(place(step));
            }
            kernels_.lstm(matrix, {running, inputs, before, outputs, states.data()}, paired_tables());
        }
        return to;
    }

    void weigh(const Plane<Number>& from, std::span<float* const> scores) const {
        const PackedMatrix& matrix = network_.output.packed;
        const size_t stride = size_t{matrix.blocks} * matrix.together * kernels_.width;
        std::vector<float> sums(stride * columns_at_once);
        for (size_t i = 0; i < lines_.size(); ++i)
            for (uint32_t step = 0; step < steps(lines_[i]); step += columns_at_once) {
                const uint32_t count = std::min(columns_at_once, steps(lines_[i]) - step);
                kernels_.product(matrix, reinterpret_cast<const uint8_t*>(from.at(first_[i] + step)),
                                 sizeof(Number) * from.stride, count, sums.data());
                kernels_.softmax(sums.data(), stride, count, network_.classes);
                for (uint32_t s = 0; s < count; ++s)
                    std::copy_n(sums.begin() + static_cast<ptrdiff_t>(s * stride), network_.classes,
                                scores[i] + size_t{step + s} * network_.classes);
            }
    }

    const PackedNetwork& network_;
    const Kernels& kernels_;
    std::span<const LinePixels> lines_;
    PlaneMemory<Number>& memory_;
    std::vector<size_t> first_;  // column of each line, in what lies between layers
    size_t columns_ = 0;
};

template <class Number>
void forward_as(const PackedNetwork& network, std::span<const LinePixels> lines, float* const* scores) {
    std::vector<size_t> order;
    for (size_t i = 0; i < lines.size(); ++i)
        if (lines[i].width >= pool_side) order.push_back(i);
    if (order.empty()) return;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lines[a].width > lines[b].width; });
    std::vector<Number> noise;
    EdgeNoise source(network.seed);
    for (size_t left = ConvolvedLine<Number>::noise_for(lines[order[0]].width, network.height); left > 0; --left)
        noise.push_back(Stored<Number>::noise(source));
    PlaneMemory<Number> memory;
    for (size_t first = 0; first < order.size(); first += lines_at_once) {
        std::vector<LinePixels> batch;
        std::vector<float*> to;
        for (size_t i = first; i < std::min(first + lines_at_once, order.size()); ++i) {
            batch.push_back(lines[order[i]]);
            to.push_back(scores[order[i]]);
        }
        Pass<Number>(network, batch, memory).run(noise, to);
    }
}

}  // namespace

void forward(const PackedNetwork& network, std::span<const LinePixels> lines, float* const* scores) {
    switch (network.kernels->activation) {
        case Activation::offset_bytes:
            return forward_as<uint8_t>(network, lines, scores);
        case Activation::shorts:
            return forward_as<int16_t>(network, lines, scores);
        case Activation::floats:
            return forward_as<float>(network, lines, scores);
    }
}

}  // namespace pg_ocr::recognise
