#include "engine/layout/line_scaling.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/layout/line_scaling_kernels.h"

namespace pg_ocr {
namespace {

using recognise::LineImage;

/// Which columns, or rows, make one of the result. Between the first and the last, each weighs 16.
struct Span {
    uint32_t first;
    uint32_t last;
    uint32_t first_weight;
    uint32_t last_weight;  ///< added to the first one's, where they are one
    uint32_t weight() const {
        return first == last ? first_weight + last_weight : first_weight + 16 * (last - first - 1) + last_weight;
    }
    uint32_t weight_of(uint32_t index) const {
        if (first == last) return first_weight + last_weight;
        return index == first ? first_weight : index == last ? last_weight : 16;
    }
};

/// Those of a whole side; the result's are counted in 16ths of the source's.
struct Side {
    std::vector<Span> spans;
    size_t inside;  ///< spans from here on reach the last column or row, whose pixels are taken as they are
};

uint32_t scaled_size(uint32_t size, float factor) {
    return static_cast<uint32_t>(std::floor(static_cast<double>(factor * static_cast<float>(size)) + 0.5));
}

float sixteenths_per_pixel(uint32_t from, uint32_t to) {
    return 16.0f * static_cast<float>(from) / static_cast<float>(to);
}

/// One end is rounded as a float, the other as a double, as Leptonica's are.
Side areas(uint32_t from, uint32_t to) {
    const float step = sixteenths_per_pixel(from, to);
    Side side{std::vector<Span>(to), 0};
    for (uint32_t i = 0; i < to; ++i) {
        const auto begin = static_cast<uint32_t>(step * static_cast<float>(i));
        const auto end = static_cast<uint32_t>(static_cast<double>(step) * (i + 1.0));
        side.spans[i] = {begin >> 4, end >> 4, 16 - (begin & 15), end & 15};
        if ((end >> 4) + 1 < from) side.inside = i + 1;
    }
    return side;
}

Side neighbours(uint32_t from, uint32_t to) {
    const float step = sixteenths_per_pixel(from, to);
    Side side{std::vector<Span>(to), to};
    for (uint32_t i = 0; i < to; ++i) {
        const auto at = static_cast<uint32_t>(step * static_cast<float>(i));
        side.spans[i] = {at >> 4, std::min((at >> 4) + 1, from - 1), 16 - (at & 15), at & 15};
    }
    return side;
}

/// What is sharpened, by how much and by how large a square around it.
struct Sharpening {
    uint32_t half;  ///< of a square's side, its middle left out
    float sharpness;
};

/// Source pixels to the result's rows, not sharpened.
struct Scaling {
    const GreyRows& from;
    Side across, down;
    bool averages;

    uint32_t width() const { return static_cast<uint32_t>(across.spans.size()); }
    uint32_t height() const { return static_cast<uint32_t>(down.spans.size()); }

    /// Of a row of averages, those that are none.
    void copy_edge(uint32_t y, uint8_t* to) const {
        const uint8_t* row = from.row(down.spans[y].first);
        for (size_t x = y < down.inside ? across.inside : 0; x < across.spans.size(); ++x)
            to[x] = row[across.spans[x].first];
    }
};

LineImage whole(const GreyRows& rows) {
    LineImage image{rows.width, rows.height, std::vector<uint8_t>(size_t{rows.width} * rows.height)};
    for (uint32_t y = 0; y < rows.height; ++y)
        std::memcpy(image.pixels.data() + size_t{y} * rows.width, rows.row(y), rows.width);
    return image;
}

constexpr uint32_t block_bytes = 16;

struct BlockMemory {
    std::vector<uint32_t> first;
    std::vector<uint8_t> order, weights;
    ColumnBlocks blocks() const {
        return {static_cast<uint32_t>(first.size()), first.data(), order.data(), weights.data()};
    }
};

/// Nothing where so few bytes are not enough.
std::optional<BlockMemory> blocks_of(const Side& side, uint32_t bytes_of_column) {
    const uint32_t columns = block_bytes / bytes_of_column;
    const size_t rounded = (side.spans.size() + columns_at_once - 1) / columns_at_once * columns_at_once;
    BlockMemory memory{std::vector<uint32_t>(rounded / columns), std::vector<uint8_t>(rounded * bytes_of_column, 255),
                       std::vector<uint8_t>(rounded * bytes_of_column)};
    for (size_t i = 0; i < side.inside; ++i) {
        const Span& span = side.spans[i];
        uint32_t& first = memory.first[i / columns];
        if (i % columns == 0) first = span.first;
        if (span.last - span.first >= bytes_of_column || span.last - first >= block_bytes) return std::nullopt;
        for (uint32_t index = span.first; index <= span.last; ++index) {
            const size_t at = i * bytes_of_column + index - span.first;
            memory.order[at] = static_cast<uint8_t>(index - first);
            memory.weights[at] = static_cast<uint8_t>(span.weight_of(index));
        }
    }
    return memory;
}

constexpr uint32_t most_rows = 4;

bool are_few(const Side& rows) {
    return std::all_of(rows.spans.begin(), rows.spans.begin() + static_cast<ptrdiff_t>(rows.inside),
                       [](const Span& span) { return span.last - span.first < most_rows; });
}

/// Rows of sums, each made once; as the result goes down, the source does.
class SumsOfRows {
  public:
    SumsOfRows(const LineScalingKernels& kernels, const Scaling& scaling, const ColumnBlocks& blocks)
        : add_(scaling.averages ? kernels.add_fours : kernels.add_pairs),
          from_(scaling.from),
          blocks_(blocks),
          stride_(scaling.width() + columns_at_once),
          sums_(stride_ * most_rows) {}
    WeighedRows of(const Span& span) {
        WeighedRows rows{};
        for (; made_ <= span.last; ++made_) add_(blocks_, from_.row(made_), at(made_));
        for (uint32_t i = 0; i < most_rows; ++i) {
            const uint32_t row = std::min(span.first + i, span.last);
            rows.rows[i] = at(row);
            rows.weights[i] = static_cast<uint16_t>(span.first + i > span.last ? 0 : span.weight_of(row));
        }
        return rows;
    }

  private:
    uint16_t* at(uint32_t row) { return sums_.data() + row % most_rows * stride_; }
    void (*add_)(const ColumnBlocks&, const uint8_t*, uint16_t*);
    const GreyRows& from_;
    ColumnBlocks blocks_;
    size_t stride_;
    std::vector<uint16_t> sums_;
    uint32_t made_ = 0;
};

std::vector<float> inverses_of(const Side& side) {
    std::vector<float> inverses(side.spans.size() + columns_at_once);
    std::ranges::transform(side.spans, inverses.begin(),
                           [](const Span& span) { return 1.0f / static_cast<float>(span.weight()); });
    return inverses;
}

/// Nothing where the result is not made of few neighbours.
std::optional<GreyRows> scaled_by(const LineScalingKernels& kernels, const Scaling& scaling) {
    const std::optional<BlockMemory> memory = blocks_of(scaling.across, scaling.averages ? 4 : 2);
    if (!memory || !are_few(scaling.down)) return std::nullopt;
    SumsOfRows sums(kernels, scaling, memory->blocks());
    const std::vector<float> inverses = inverses_of(scaling.across);
    GreyRows to(scaling.width(), scaling.height());
    for (uint32_t y = 0; y < scaling.height(); ++y) {
        const Span& span = scaling.down.spans[y];
        if (!scaling.averages) {
            kernels.interpolate(sums.of(span), scaling.width(), to.row(y));
            continue;
        }
        if (y < scaling.down.inside)
            kernels.average(sums.of(span), inverses.data(), 1.0f / static_cast<float>(span.weight()), scaling.width(),
                            to.row(y));
        scaling.copy_edge(y, to.row(y));
    }
    return to;
}

LineImage sharpened(const LineScalingKernels& kernels, const GreyRows& rows, const Sharpening& by) {
    LineImage image = whole(rows);
    const uint32_t side = 2 * by.half + 1;
    if (rows.width < side || rows.height < side) return image;
    std::vector<uint16_t> sums(rows.width + 4 * size_t{columns_at_once});
    std::vector<uint8_t> sharp(rows.width + size_t{columns_at_once});
    for (uint32_t y = by.half; y + by.half < rows.height; ++y) {
        const uint8_t* around[5]{};
        for (uint32_t i = 0; i < side; ++i) around[i] = rows.row(y - by.half + i);
        kernels.sharpen(around, by.half, by.sharpness, rows.width, sums.data(), sharp.data());
        std::memcpy(image.pixels.data() + size_t{y} * rows.width + by.half, sharp.data(), rows.width - 2 * by.half);
    }
    return image;
}

const LineScalingKernels* kernels_of_this_machine() {
#ifdef __x86_64__
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    if (has_avx2) return &avx2_line_scaling;
#endif
    return nullptr;
}

}  // namespace

std::optional<LineImage> scaled(const GreyRows& from, float factor) {
    const LineScalingKernels* kernels = kernels_of_this_machine();
    // Of smaller ones, a column has more neighbours than the kernels take.
    constexpr double smallest = 1.0 / 3, largest = 4;
    const double wide = factor;
    if (kernels == nullptr || !(wide > smallest && wide < largest) || factor == 0.5f || factor == 2)
        return std::nullopt;
    if (factor == 1) return whole(from);
    const uint32_t width = scaled_size(from.width, factor), height = scaled_size(from.height, factor);
    if (width == 0 || height == 0) return std::nullopt;
    const bool averages = wide < 0.7;
    const auto side = [&](uint32_t of, uint32_t to) { return averages ? areas(of, to) : neighbours(of, to); };
    const Scaling scaling{from, side(from.width, width), side(from.height, height), averages};
    const std::optional<GreyRows> rows = scaled_by(*kernels, scaling);
    if (!rows) return std::nullopt;
    if (averages) return sharpened(*kernels, *rows, {.half = 1, .sharpness = 0.2f});
    if (wide < 1.4) return sharpened(*kernels, *rows, {.half = 2, .sharpness = 0.4f});
    return whole(*rows);
}

}  // namespace pg_ocr
