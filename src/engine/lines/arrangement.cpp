#include "engine/lines/arrangement.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "engine/lines/gutters.h"
#include "engine/lines/levels.h"

namespace pg_ocr {
namespace {

constexpr uint32_t none = std::numeric_limits<uint32_t>::max();

void extend(Box& box, const Box& by) {
    box = {std::min(box.left, by.left), std::min(box.top, by.top), std::max(box.right, by.right),
           std::max(box.bottom, by.bottom)};
}
int32_t overlap(int32_t a_begin, int32_t a_end, int32_t b_begin, int32_t b_end) {
    return std::min(a_end, b_end) - std::max(a_begin, b_begin);
}
int32_t overlap_across(const Box& a, const Box& b) { return overlap(a.left, a.right, b.left, b.right); }
int32_t width_of(const Box& box) { return box.right - box.left; }
float median_of(std::vector<float> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

/// Lines of about the same size, as near below each other as lines of one text are.
bool may_follow(const RowOfPieces& above, const RowOfPieces& below) {
    constexpr float widest_pitch = 4.2f, most_different = 1.4f;
    const float low = std::min(above.x_height, below.x_height), high = std::max(above.x_height, below.x_height);
    const float pitch = below.baseline - above.baseline;
    return pitch > 0.6f * low && pitch <= widest_pitch * high && high <= most_different * low &&
           overlap_across(above.box, below.box) > 0;
}

/// For each row, from the top, that which follows it below, where each is the other's nearest.
std::vector<uint32_t> followers_of(const std::vector<RowOfPieces>& rows) {
    std::vector<uint32_t> below(rows.size(), none), above(rows.size(), none);
    for (uint32_t i = 0; i < rows.size(); ++i)
        for (uint32_t j = i + 1; j < rows.size(); ++j) {
            if (!may_follow(rows[i], rows[j])) continue;
            // Of several that are as high, the one that is below most of it.
            if (below[i] != none) {
                const RowOfPieces& rival = rows[below[i]];
                if (rows[j].baseline - rival.baseline > 0.5f * rows[j].x_height) break;
                if (overlap_across(rows[i].box, rows[j].box) <= overlap_across(rows[i].box, rival.box)) continue;
            }
            below[i] = j;
        }
    for (uint32_t j = 0; j < rows.size(); ++j)
        for (uint32_t i = j; i-- > 0;) {
            if (!may_follow(rows[i], rows[j])) continue;
            if (above[j] != none) {
                const RowOfPieces& rival = rows[above[j]];
                if (rival.baseline - rows[i].baseline > 0.5f * rows[i].x_height) break;
                if (overlap_across(rows[i].box, rows[j].box) <= overlap_across(rows[j].box, rival.box)) continue;
            }
            above[j] = i;
        }
    for (uint32_t i = 0; i < rows.size(); ++i)
        if (below[i] != none && above[below[i]] != i) below[i] = none;
    return below;
}

/// Stand on one line, but for such a part of an x-height; marks stand anywhere in it.
bool are_level(const RowPiece& a, const RowPiece& b, float tolerance) {
    const RowPiece& low = a.ascent < b.ascent ? a : b;
    const RowPiece& high = a.ascent < b.ascent ? b : a;
    if (low.ascent < 0.75f * high.x_height) {
        const float middle = high.baseline - (low.baseline - low.ascent / 2);
        return middle > -0.5f * high.x_height && middle < high.ascent;
    }
    return std::abs(a.baseline - b.baseline) <= tolerance * low.x_height;
}

/// Tells whether the white between two pieces parts columns of text, by what is beside it a little way up and down.
class Neighbours {
  public:
    explicit Neighbours(const std::vector<RowPiece>& pieces) : levels_(pieces) {
        for (size_t level = 0; level < levels_.size(); ++level)
            for (const MeasuredPiece& row : levels_[level]) level_of_[row.piece] = level;
    }
    bool are_columns(const RowPiece& left, const RowPiece& right) const {
        // Lines of a column begin below each other, or end there, or stand in its middle.
        constexpr float widest_strip = 5;  // in x-heights
        const auto widest = static_cast<int32_t>(widest_strip * std::max(left.x_height, right.x_height));
        const Interval white{left.right(), right.left()};
        // A raised mark beside a word is no column.
        constexpr float mark = 1.5f, beside = 2;
        const float x_height = std::max(left.x_height, right.x_height);
        if (static_cast<float>(std::min(width_of(left.box), width_of(right.box))) < mark * x_height &&
            static_cast<float>(white.width()) < beside * x_height)
            return false;
        std::vector<Interval> strips{white};
        if (white.width() > widest) {
            strips.push_back({white.end - widest, white.end});
            strips.push_back({white.begin, white.begin + widest});
        }
        for (const size_t farthest : {size_t{12}, size_t{40}, size_t{100}}) {
            bool table = false, apart = false;
            for (const Interval& strip : strips) switch (seen_at(left, right, strip, farthest)) {
                    case Seen::columns_of_prose:
                        return true;
                    case Seen::columns:
                        apart = true;
                        break;
                    case Seen::table:
                        table = true;
                        break;
                    case Seen::little:
                        break;
                }
            if (table || apart) return !table;
        }
        return false;
    }

  private:
    enum class Seen : uint8_t { columns_of_prose, columns, table, little };
    Seen seen_at(const RowPiece& left, const RowPiece& right, const Interval& white, size_t farthest) const {
        constexpr float tallest_blank = 7, narrowest_strip = 0.6f;  // in x-heights
        // White between a typewriter's letters may be so many spaces: other text has to tell.
        Sides sides(are_of_one_pitch(left, right));
        const size_t level = level_of_.at(&left);
        sides.add(levels_[level], levels_[level_of_.at(&right)], white);
        for (const bool up : {true, false}) {
            Interval strip = white;
            for (size_t step = 1; step <= farthest; ++step) {
                if (up ? step > level : level + step >= levels_.size()) break;
                const size_t at = up ? level - step : level + step, before = up ? at + 1 : at - 1;
                const float blank =
                    std::abs(levels_[at].front().piece->baseline - levels_[before].front().piece->baseline);
                strip = white_in(levels_[at], strip);
                if (blank > tallest_blank * left.x_height ||
                    static_cast<float>(strip.width()) < narrowest_strip * left.x_height)
                    break;
                sides.add(levels_[at], levels_[at], strip);
            }
        }
        return sides.seen();
    }

    /// What is beside a strip.
    class Sides {
      public:
        explicit Sides(bool skips_typewriting) : skips_typewriting_(skips_typewriting) {}
        void add(Level left_level, Level right_level, const Interval& strip) {
            const RowPiece* left = nearest(left_level, strip, true);
            const RowPiece* right = nearest(right_level, strip, false);
            if (left != nullptr) left_.push_back(width_of(*left));
            if (right != nullptr) right_.push_back(width_of(*right));
            if (left == nullptr || right == nullptr) return;
            if (are_level(*left, *right, 0.2f)) ++aligned_;
        }
        /// Prose beside prose, or beside a narrower text whose lines are not at the same heights, or rows of a table.
        Seen seen() const {
            constexpr size_t fewest_rows = 3, many_rows = 12;  // an index has as many, a table hardly such long cells
            constexpr float prose = 16, wide_prose = 22, narrowest = 3;
            const size_t left_rows = left_.size(), right_rows = right_.size(), rows = std::min(left_rows, right_rows);
            const float left = median_of(left_), right = median_of(right_);
            const bool is_level = 10 * aligned_ >= 7 * rows;
            if (left >= prose && right >= prose && rows >= fewest_rows &&
                (!is_level || rows >= many_rows || (fills(left_) && fills(right_))))
                return Seen::columns_of_prose;
            if (rows >= fewest_rows && std::max(left, right) >= wide_prose && std::min(left, right) >= narrowest &&
                !is_level)
                return Seen::columns;
            return rows >= fewest_rows && is_level ? Seen::table : Seen::little;
        }

      private:
        static float width_of(const RowPiece& piece) {
            return static_cast<float>(piece.right() - piece.left()) / piece.x_height;
        }
        const RowPiece* nearest(Level level, const Interval& strip, bool on_left) const {
            constexpr float farthest = 4;   // in x-heights: beyond is what another strip parts
            constexpr float narrowest = 1;  // what is narrower is a mark
            const RowPiece* nearest = nullptr;
            for (const MeasuredPiece& row : level) {
                const RowPiece& piece = *row.piece;
                const int32_t gap = on_left ? strip.begin - piece.right() : piece.left() - strip.end;
                if (static_cast<float>(gap) > farthest * piece.x_height || width_of(piece) < narrowest) continue;
                if (on_left ? piece.right() <= strip.begin && (nearest == nullptr || piece.right() > nearest->right())
                            : piece.left() >= strip.end && (nearest == nullptr || piece.left() < nearest->left()))
                    nearest = &piece;
            }
            return nearest != nullptr && skips_typewriting_ && nearest->pitch > 0 ? nullptr : nearest;
        }
        /// Lines of prose are as long as their column is wide, most of them; entries of a table are of any length.
        static bool fills(std::vector<float> widths) {
            const auto long_one = widths.begin() + static_cast<ptrdiff_t>(widths.size() * 3 / 4);
            std::ranges::nth_element(widths, long_one);
            const float full = 0.8f * *long_one;
            return 10 * std::ranges::count_if(widths, [&](float width) { return width >= full; }) >=
                   6 * static_cast<ptrdiff_t>(widths.size());
        }
        bool skips_typewriting_;
        std::vector<float> left_, right_;  ///< widths in x-heights
        size_t aligned_ = 0;
    };
    Levels levels_;
    std::unordered_map<const RowPiece*, size_t> level_of_;
};

RowOfPieces row_of(std::vector<RowPiece> pieces) {
    RowOfPieces row;
    std::ranges::sort(pieces, {}, [](const RowPiece& piece) { return piece.left(); });
    row.box = pieces.front().box;
    const RowPiece* longest = &pieces.front();
    for (const RowPiece& piece : pieces) {
        extend(row.box, piece.box);
        if (piece.letters.size() > longest->letters.size()) longest = &piece;
    }
    row.baseline = longest->baseline;
    row.x_height = longest->x_height;
    row.ascent = longest->ascent;
    row.pieces = std::move(pieces);
    return row;
}

/// White between columns, at a level of the page.
struct Parting {
    Interval white;
    float baseline;
};

/// True where what is above and what is below are columns, parted by the same white; or much of either, up to the next
/// row.
bool goes_on(const std::vector<Parting>& parted, const RowPiece& left, const RowPiece& right) {
    constexpr float farthest = 20, narrowest = 0.6f, next_row = 4.2f;  // in x-heights
    constexpr size_t many = 5;
    size_t above = 0, below = 0;
    bool is_next_above = false, is_next_below = false;
    for (const Parting& parting : parted) {
        const float down = parting.baseline - left.baseline;
        const auto common =
            static_cast<float>(overlap(parting.white.begin, parting.white.end, left.right(), right.left()));
        if (std::abs(down) > farthest * left.x_height || common < narrowest * left.x_height) continue;
        ++(down < 0 ? above : below);
        (down < 0 ? is_next_above : is_next_below) |= std::abs(down) <= next_row * left.x_height;
    }
    return (above > 0 && below > 0) || (is_next_above && above >= many) || (is_next_below && below >= many);
}

/// True between two lines across the page, near above and below, that reach from one piece to the other: those of a
/// table's rows.
bool are_ruled(const std::vector<Box>& rules, const RowPiece& left, const RowPiece& right) {
    constexpr float farthest = 12, least = 2;  // in x-heights
    bool above = false, below = false;
    for (const Box& rule : rules) {
        const auto beyond =
            static_cast<float>(std::min(left.right() - rule.left, rule.right - right.left())) / left.x_height;
        const float down = (static_cast<float>(rule.top + rule.bottom) / 2 - left.baseline) / left.x_height;
        if (width_of(rule) <= rule.bottom - rule.top || beyond < least || std::abs(down) > farthest) continue;
        (down < 0 ? above : below) = true;
    }
    return above && below;
}

/// Puts together what stands side by side, unless both are columns of prose.
std::vector<RowOfPieces> rows_of(std::vector<RowPiece> pieces, const Ruling& ruling) {
    const Neighbours neighbours(pieces);
    constexpr float widest_gutter = 4;  // in x-heights
    std::vector<Parting> parted;
    // To the right of each, at its height, the nearest.
    std::vector<uint32_t> next(pieces.size(), none), before(pieces.size(), none);
    std::vector<bool> is_ruled(pieces.size());
    const auto part = [&](uint32_t i) {
        // Where lines are short, the white between columns is wider than their gutter.
        const RowPiece &left = pieces[i], &right = pieces[next[i]];
        const auto gutter = static_cast<int32_t>(widest_gutter * right.x_height);
        parted.push_back({{std::max(left.right(), right.left() - gutter), right.left()}, left.baseline});
        next[i] = none;
    };
    for (uint32_t i = 0; i < pieces.size(); ++i) {
        const RowPiece& piece = pieces[i];
        int32_t nearest = std::numeric_limits<int32_t>::max();
        const auto look_at = [&](uint32_t j) {
            const RowPiece& other = pieces[j];
            if (other.left() < piece.right() - static_cast<int32_t>(piece.x_height) || other.left() <= piece.left() ||
                other.left() >= nearest || j == i)
                return;
            if (!are_level(piece, other, 0.45f)) return;
            nearest = other.left();
            next[i] = j;
        };
        for (uint32_t j = i; j-- > 0 && piece.baseline - pieces[j].baseline <= piece.x_height;) look_at(j);
        for (uint32_t j = i + 1; j < pieces.size() && pieces[j].baseline - piece.baseline <= piece.x_height; ++j)
            look_at(j);
        if (next[i] == none) continue;
        const RowPiece& other = pieces[next[i]];
        is_ruled[i] = are_ruled(ruling.rules, piece, other);
        if (is_ruled[i]) continue;
        if (is_partitioned(ruling.partitions, piece.right(), other.left(), piece.box) ||
            neighbours.are_columns(piece, other))
            part(i);
    }
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (uint32_t i = 0; i < pieces.size(); ++i) {
            if (next[i] == none || is_ruled[i] || !goes_on(parted, pieces[i], pieces[next[i]])) continue;
            part(i);
            has_changed = true;
        }
    }
    for (uint32_t i = 0; i < pieces.size(); ++i) {
        if (next[i] == none) continue;
        uint32_t& rival = before[next[i]];
        if (rival == none || pieces[rival].right() < pieces[i].right()) rival = i;
    }
    std::vector<RowOfPieces> rows;
    for (uint32_t i = 0; i < pieces.size(); ++i) {
        if (before[i] != none) continue;
        std::vector<RowPiece> parts;
        for (uint32_t at = i; at != none;) {
            const uint32_t after = next[at] != none && before[next[at]] == at ? next[at] : none;
            parts.push_back(std::move(pieces[at]));
            at = after;
        }
        rows.push_back(row_of(std::move(parts)));
    }
    std::ranges::sort(rows, {}, &RowOfPieces::baseline);
    return rows;
}

/// Rows below each other, parted where the distance between them grows.
std::vector<BlockOfRows> blocks_of(std::vector<RowOfPieces> rows) {
    const std::vector<uint32_t> below = followers_of(rows);
    std::vector<bool> is_follower(rows.size());
    for (const uint32_t follower : below)
        if (follower != none) is_follower[follower] = true;
    std::vector<Box> boxes;
    std::vector<float> heights;
    for (const RowOfPieces& row : rows) {
        boxes.push_back(row.box);
        heights.push_back(row.x_height);
    }
    const auto margin = static_cast<int32_t>(heights.empty() ? 0 : median_of(heights) / 2);
    std::vector<BlockOfRows> blocks;
    for (uint32_t i = 0; i < rows.size(); ++i) {
        if (is_follower[i]) continue;
        std::vector<uint32_t> chain;
        for (uint32_t at = i; at != none; at = below[at]) chain.push_back(at);
        std::vector<float> pitches;
        for (size_t k = 1; k < chain.size(); ++k)
            pitches.push_back(rows[chain[k]].baseline - rows[chain[k - 1]].baseline);
        const float usual = median_of(pitches);
        constexpr float widest = 1.35f;
        std::vector<bool> in_chain(rows.size());
        for (const uint32_t row : chain) in_chain[row] = true;
        // What stands beside a row is not to be within its block.
        const auto surrounds = [&](const Box& box) {
            for (uint32_t other = 0; other < boxes.size(); ++other)
                if (!in_chain[other] && overlap_across(boxes[other], box) > margin &&
                    overlap(boxes[other].top, boxes[other].bottom, box.top, box.bottom) > margin)
                    return true;
            return false;
        };
        for (size_t k = 0; k < chain.size(); ++k) {
            RowOfPieces& row = rows[chain[k]];
            Box grown = row.box;
            if (k != 0) extend(grown, blocks.back().box);
            if (k == 0 || pitches[k - 1] > widest * usual || (surrounds(grown) && !surrounds(blocks.back().box)))
                blocks.push_back({{}, row.box});
            else
                extend(blocks.back().box, row.box);
            blocks.back().rows.push_back(std::move(row));
        }
    }
    return blocks;
}

/// Blocks are read after those above them, and after those to their left unless something above them, and below those,
/// reaches over both.
class Order {
  public:
    Order(const std::vector<BlockOfRows>& blocks, std::span<const Box> pictures)
        : blocks_(blocks), pictures_(pictures), state_(blocks.size(), State::unseen) {
        std::vector<float> heights;
        for (const BlockOfRows& block : blocks)
            for (const RowOfPieces& row : block.rows) heights.push_back(row.x_height);
        usual_x_height_ = median_of(std::move(heights));
        from_top_.resize(blocks.size());
        std::iota(from_top_.begin(), from_top_.end(), 0u);
        std::ranges::sort(from_top_, [&](uint32_t a, uint32_t b) {
            return std::pair(blocks[a].box.top, blocks[a].box.left) < std::pair(blocks[b].box.top, blocks[b].box.left);
        });
        const size_t foot = foot_of_page();
        size_t begin = 0;
        for (size_t i = 1; i <= foot; ++i) {
            if (i < foot && !begins_anew(i)) continue;
            visit_all(begin, i);
            begin = i;
        }
        visit_all(foot, from_top_.size());
    }
    const std::vector<uint32_t>& sequence() const { return order_; }

  private:
    enum class State : uint8_t { unseen, open, done };
    /// The first of the blocks in one row at the page's foot that white parts from all above it.
    size_t foot_of_page() const {
        const size_t count = from_top_.size();
        for (size_t foot = count; foot-- > 1;) {
            const BlockOfRows& block = blocks_[from_top_[foot]];
            int32_t bottom = 0;
            for (size_t i = 0; i < foot; ++i) bottom = std::max(bottom, blocks_[from_top_[i]].box.bottom);
            const RowOfPieces& first = block.rows.front();
            if (block.rows.size() > 1) return count;
            if (block.box.top >= bottom)
                return static_cast<float>(block.box.top - bottom) >= 1.5f * first.x_height ? foot : count;
        }
        return count;
    }
    /// A heading in larger letters, with no text or picture beside it: what is above is read first, all columns of it.
    bool begins_anew(size_t index) const {
        constexpr float larger = 1.5f;
        constexpr size_t fewest_letters = 3;  // a lone bracket is high
        const BlockOfRows& heading = blocks_[from_top_[index]];
        if (heading.rows.front().x_height < larger * usual_x_height_) return false;
        size_t letters = 0;
        for (const RowPiece& piece : heading.rows.front().pieces) letters += piece.letters.size();
        if (letters < fewest_letters) return false;
        for (size_t i = 0; i < from_top_.size(); ++i) {
            const Box& box = blocks_[from_top_[i]].box;
            if (i != index && overlap(box.top, box.bottom, heading.box.top, heading.box.bottom) > 0) return false;
        }
        return std::ranges::none_of(pictures_, [&](const Box& picture) {
            return overlap(picture.top, picture.bottom, heading.box.top, heading.box.bottom) > 0;
        });
    }
    static int32_t middle(const Box& box) { return (box.top + box.bottom) / 2; }
    static bool do_overlap(const Box& a, const Box& b) {
        // Frayed edges may reach over a gutter by a little.
        return overlap_across(a, b) > std::min(width_of(a), width_of(b)) / 10;
    }
    bool is_before(uint32_t a, uint32_t b) const {
        const Box &first = blocks_[a].box, &second = blocks_[b].box;
        if (do_overlap(first, second)) return first.top < second.top || (first.top == second.top && a < b);
        if (first.left >= second.left) return false;
        // A bracket below and to the left of what it closes is no column of its own.
        constexpr float narrowest_column = 6, widest_indent = 12;  // in x-heights
        const BlockOfRows& block = blocks_[a];
        const float x_height = block.rows.front().x_height;
        if (block.rows.size() == 1 && first.top >= second.bottom &&
            static_cast<float>(width_of(first)) < narrowest_column * x_height &&
            static_cast<float>(second.left - first.right) < widest_indent * x_height)
            return false;
        return std::ranges::none_of(blocks_, [&](const BlockOfRows& between) {
            const Box& box = between.box;
            return &between != &blocks_[a] && &between != &blocks_[b] && middle(box) > middle(second) &&
                   middle(box) < middle(first) && do_overlap(box, first) && do_overlap(box, second);
        });
    }
    void visit_all(size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) visit(from_top_[i], begin, end);
    }
    void visit(uint32_t block, size_t begin, size_t end) {
        if (state_[block] != State::unseen) return;
        state_[block] = State::open;
        for (size_t i = begin; i < end; ++i)
            if (state_[from_top_[i]] == State::unseen && is_before(from_top_[i], block))
                visit(from_top_[i], begin, end);
        state_[block] = State::done;
        order_.push_back(block);
    }
    const std::vector<BlockOfRows>& blocks_;
    std::span<const Box> pictures_;
    float usual_x_height_ = 0;
    std::vector<State> state_;
    std::vector<uint32_t> from_top_, order_;
};

}  // namespace

std::vector<BlockOfRows> arranged(std::vector<RowPiece> pieces, const Ruling& ruling, std::span<const Box> pictures) {
    std::vector<BlockOfRows> blocks = blocks_of(rows_of(std::move(pieces), ruling));
    std::vector<BlockOfRows> ordered;
    const Order order(blocks, pictures);
    for (const uint32_t block : order.sequence()) ordered.push_back(std::move(blocks[block]));
    return ordered;
}

}  // namespace pg_ocr
