#include "engine/layout/ink.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <numeric>
#include <vector>

#include "engine/ink/ink_kernels.h"

namespace pg_ocr {
namespace {

using Histogram = std::array<uint32_t, 256>;

PixelRows rows_of(PIX* page) {
    return {pixGetData(page), static_cast<size_t>(pixGetWpl(page)), static_cast<size_t>(pixGetWidth(page)),
            static_cast<size_t>(pixGetHeight(page))};
}

Histogram histogram_of(PIX* page) {
    Histogram counts{};
    best_ink_kernels().count_greys(rows_of(page), counts.data());
    return counts;
}

struct Threshold {
    uint8_t darkest_bright = 0;
    bool ink_is_dark = true;
};

/// Where the means of dark and bright are farthest apart, each weighted by its pixels; the darkest of such places. On a
/// page of one grey, nothing is ink.
Threshold threshold_of(const Histogram& histogram) {
    double all = 0, all_grey = 0;
    for (size_t grey = 0; grey < histogram.size(); ++grey) {
        all += histogram[grey];
        all_grey += static_cast<double>(grey) * histogram[grey];
    }
    Threshold best;
    double farthest = -1, dark = 0, dark_grey = 0;
    for (size_t grey = 0; grey + 1 < histogram.size(); ++grey) {
        dark += histogram[grey];
        dark_grey += static_cast<double>(grey) * histogram[grey];
        const double bright = all - dark;
        if (dark == 0) continue;
        if (bright == 0) break;
        const double apart = (all_grey - dark_grey) / bright - dark_grey / dark;
        const double variance = apart * (apart * dark * bright);
        if (variance <= farthest) continue;
        farthest = variance;
        best = {static_cast<uint8_t>(grey + 1), dark < bright};
    }
    return best;
}

Pixels ink_of(PIX* page, const Threshold& threshold) {
    Pixels ink(pixCreateNoInit(pixGetWidth(page), pixGetHeight(page), 1));
    if (!ink) throw std::bad_alloc();
    pixCopyResolution(ink.get(), page);
    best_ink_kernels().find_ink(rows_of(page), threshold.darkest_bright, !threshold.ink_is_dark, pixGetData(ink.get()),
                                static_cast<size_t>(pixGetWpl(ink.get())));
    return ink;
}

/// Grey grounds that the page's threshold took for ink, with the text on them: found as tiles that are all ink.
class GreyGrounds {
  public:
    GreyGrounds(PIX* page, PIX* ink)
        : page_(page), ink_(ink), across_(pixGetWidth(ink) / side), down_(pixGetHeight(ink) / side) {
        for (int32_t y = 0; y < down_; ++y)
            for (int32_t x = 0; x < across_; ++x) is_black_.push_back(count_ink({x, y}) >= almost_all);
    }
    void clear() {
        for (int32_t y = 0; y < down_; ++y)
            for (int32_t x = 0; x < across_; ++x)
                if (is_black_[index({x, y})]) clear(ground_at({x, y}));
    }

  private:
    static constexpr int32_t side = 32, almost_all = side * side * 97 / 100;
    struct Tile {
        int32_t x, y;
    };
    size_t index(Tile tile) const {
        return static_cast<size_t>(tile.y) * static_cast<size_t>(across_) + static_cast<size_t>(tile.x);
    }
    l_uint32* ink_at(Tile tile, int32_t row) const {
        return pixGetData(ink_) + static_cast<ptrdiff_t>(tile.y * side + row) * pixGetWpl(ink_) + tile.x;
    }
    int32_t grey_at(Tile tile, int32_t row, int32_t column) const {
        return GET_DATA_BYTE(pixGetData(page_) + static_cast<ptrdiff_t>(tile.y * side + row) * pixGetWpl(page_),
                             tile.x * side + column);
    }
    int32_t count_ink(Tile tile) const {
        int32_t count = 0;
        for (int32_t row = 0; row < side; ++row) count += std::popcount(*ink_at(tile, row));
        return count;
    }
    /// The black tiles that hang together with one, which are looked at once.
    std::vector<Tile> ground_at(Tile first) {
        std::vector<Tile> tiles{first};
        is_black_[index(first)] = false;
        for (size_t i = 0; i < tiles.size(); ++i)
            for (const Tile& step : {Tile{1, 0}, Tile{-1, 0}, Tile{0, 1}, Tile{0, -1}}) {
                const Tile next{tiles[i].x + step.x, tiles[i].y + step.y};
                if (next.x < 0 || next.y < 0 || next.x >= across_ || next.y >= down_ || !is_black_[index(next)])
                    continue;
                is_black_[index(next)] = false;
                tiles.push_back(next);
            }
        return tiles;
    }
    /// Greys from here on are the ground; 0 where the tiles bear no text in a much darker grey than most of them are.
    int32_t ground_from(const std::vector<Tile>& tiles) const {
        constexpr int32_t much_darker = 60;
        constexpr double least_text = 0.005, most_text = 0.35;
        std::array<int64_t, 256> counts{};
        for (const Tile& tile : tiles)
            for (int32_t row = 0; row < side; ++row)
                for (int32_t column = 0; column < side; ++column)
                    ++counts[static_cast<size_t>(grey_at(tile, row, column))];
        const auto ground = static_cast<int32_t>(std::ranges::max_element(counts) - counts.begin());
        const auto darker = counts.begin() + std::max(ground - much_darker, 0);
        const auto text = static_cast<double>(std::accumulate(counts.begin(), darker, int64_t{0})) /
                          static_cast<double>(tiles.size() * side * side);
        return text >= least_text && text <= most_text ? ground - much_darker / 2 : 0;
    }
    /// With the tiles around, which its edge is in.
    void clear(const std::vector<Tile>& tiles) {
        constexpr size_t fewest = 6;
        const int32_t from = tiles.size() < fewest ? 0 : ground_from(tiles);
        if (from == 0) return;
        for (const Tile& tile : tiles)
            for (int32_t y = std::max(tile.y - 1, 0); y <= std::min(tile.y + 1, down_ - 1); ++y)
                for (int32_t x = std::max(tile.x - 1, 0); x <= std::min(tile.x + 1, across_ - 1); ++x)
                    clear({x, y}, from);
    }
    void clear(Tile tile, int32_t from) {
        for (int32_t row = 0; row < side; ++row) {
            l_uint32& ink = *ink_at(tile, row);
            for (int32_t column = 0; ink != 0 && column < side; ++column)
                if (grey_at(tile, row, column) >= from) ink &= ~(0x80000000u >> column);
        }
    }
    PIX* page_;
    PIX* ink_;
    int32_t across_, down_;
    std::vector<bool> is_black_;
};

}  // namespace

Pixels ink_of(PIX* page) { return ink_of(page, threshold_of(histogram_of(page))); }

Pixels black_on_white(PIX* page) {
    if (pixGetDepth(page) == 1) return Pixels(pixClone(page));
    const Threshold threshold = threshold_of(histogram_of(page));
    Pixels ink = ink_of(page, threshold);
    if (threshold.ink_is_dark) GreyGrounds(page, ink.get()).clear();
    return ink;
}

}  // namespace pg_ocr
