#include "engine/lines/rows.h"

#include "engine/lines/legible.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

namespace pg_ocr {
namespace {

/// Letters of one row differ in height by less, and overlap in height by more than such a part of the lower one.
constexpr float most_different = 2.4f, least_overlap = 0.45f;
/// In heights of the higher of two letters: how far apart they may be.
constexpr float widest_gap = 2.2f;
/// In x-heights: what lies farther from a row is no part of it.
constexpr float mark_reach = 2.2f;

/// Down the page; negative where there is none.
int32_t overlap(const Letter& a, const Letter& b) {
    return std::min(a.box.bottom, b.box.bottom) - std::max(a.box.top, b.box.top);
}

constexpr uint32_t none = std::numeric_limits<uint32_t>::max();

/// Letters by where they are down the page; those of a strip from left to right.
class Strips {
  public:
    Strips(const std::vector<Letter>& letters, int32_t height) : letters_(letters), height_(height) {
        first_ = std::numeric_limits<int32_t>::max();
        int32_t last = std::numeric_limits<int32_t>::lowest();
        for (const Letter& letter : letters) {
            first_ = std::min(first_, letter.box.top);
            last = std::max(last, letter.box.bottom);
        }
        strips_.resize(static_cast<size_t>((last - first_) / height_) + 1);
        for (uint32_t i = 0; i < letters.size(); ++i)
            for (size_t s = strip(letters[i].box.top); s <= strip(letters[i].box.bottom); ++s) strips_[s].push_back(i);
    }
    /// The nearest to the right that may stand in the same row.
    uint32_t next_of(uint32_t index) const {
        const Letter& letter = letters_[index];
        uint32_t nearest = none;
        float distance = std::numeric_limits<float>::max();
        for (size_t s = strip(letter.box.top); s <= strip(letter.box.bottom); ++s) {
            const std::vector<uint32_t>& all = strips_[s];
            for (auto other = std::ranges::upper_bound(all, index); other != all.end(); ++other) {
                const Letter& next = letters_[*other];
                const auto gap = static_cast<float>(next.box.left - letter.box.right);
                const float reach = widest_gap * static_cast<float>(std::max(letter.height(), next.height()));
                if (gap > widest_gap * most_different * static_cast<float>(letter.height()) || gap >= distance) break;
                if (gap > reach || next.centre() <= letter.centre() || !may_be_of_a_row(letter, next)) continue;
                distance = gap;
                nearest = *other;
            }
        }
        return nearest;
    }

  private:
    static bool may_be_of_a_row(const Letter& a, const Letter& b) {
        const auto low = static_cast<float>(std::min(a.height(), b.height()));
        const auto high = static_cast<float>(std::max(a.height(), b.height()));
        return high <= most_different * low && static_cast<float>(overlap(a, b)) >= least_overlap * low;
    }
    size_t strip(int32_t y) const { return static_cast<size_t>((y - first_) / height_); }
    const std::vector<Letter>& letters_;
    int32_t height_, first_ = 0;
    std::vector<std::vector<uint32_t>> strips_;
};

/// Chains of letters, each the nearest to the other.
std::vector<std::vector<uint32_t>> chains_of(const std::vector<Letter>& letters, int32_t strip_height) {
    const Strips strips(letters, strip_height);
    std::vector<uint32_t> next(letters.size(), none), before(letters.size(), none);
    for (uint32_t i = 0; i < letters.size(); ++i) {
        next[i] = strips.next_of(i);
        if (next[i] == none) continue;
        // Of two, the one that is beside more of it: not the accent on the other.
        uint32_t& rival = before[next[i]];
        const Letter& letter = letters[next[i]];
        if (rival == none || overlap(letters[rival], letter) < overlap(letters[i], letter)) rival = i;
    }
    std::vector<std::vector<uint32_t>> chains;
    for (uint32_t i = 0; i < letters.size(); ++i) {
        if (before[i] != none) continue;
        std::vector<uint32_t>& chain = chains.emplace_back();
        for (uint32_t at = i; at != none;) {
            chain.push_back(at);
            const uint32_t after = next[at];
            at = after != none && before[after] == at ? after : none;
        }
    }
    return chains;
}

/// The middle of the narrowest place where most of the values are, and how many are there.
struct Cluster {
    float middle = 0;
    size_t count = 0;
};

Cluster densest(std::vector<float>& values, float width) {
    std::ranges::sort(values);
    Cluster best;
    for (size_t begin = 0, end = 0; begin < values.size(); ++begin) {
        while (end < values.size() && values[end] <= values[begin] + width) ++end;
        if (end - begin > best.count) best = {std::midpoint(values[begin], values[end - 1]), end - begin};
    }
    return best;
}

float median(std::vector<float>& values) {
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

/// What is neither a dot nor a dash, nor touches what lies above or below.
std::vector<const Letter*> usual_letters(const RowPiece& piece) {
    std::vector<float> heights;
    for (const Letter& letter : piece.letters) heights.push_back(static_cast<float>(letter.height()));
    std::ranges::sort(heights);
    // Dots and parts of letters may be many: each counts as much as it is high.
    const float half = std::accumulate(heights.begin(), heights.end(), 0.0f) / 2;
    float sum = 0, usual = 0;
    for (const float height : heights) {
        usual = height;
        sum += height;
        if (sum >= half) break;
    }
    std::vector<const Letter*> letters;
    for (const Letter& letter : piece.letters) {
        const auto height = static_cast<float>(letter.height());
        if (height >= 0.5f * usual && height <= 2 * usual) letters.push_back(&letter);
    }
    return letters;
}

void extend(Box& box, const Box& by) {
    box = {std::min(box.left, by.left), std::min(box.top, by.top), std::max(box.right, by.right),
           std::max(box.bottom, by.bottom)};
}

class Pieces {
  public:
    Pieces(const std::vector<Letter>& letters, std::vector<RowPiece>& pieces)
        : letter_height_(letter_height(letters)), pieces_(pieces) {
        for (const std::vector<uint32_t>& chain : chains_of(letters, static_cast<int32_t>(letter_height_))) {
            RowPiece piece;
            for (const uint32_t letter : chain) piece.letters.push_back(letters[letter]);
            add(std::move(piece));
        }
    }

    /// Puts what is small beside a row, within it or at its ends, to that row; then the ends of rows together.
    void complete() {
        join_strokes();
        for (int32_t round = 0; round < 2; ++round) {
            join_ends();
            join_parts();
        }
        std::ranges::sort(pieces_, {}, &RowPiece::baseline);
    }

  private:
    static float letter_height(const std::vector<Letter>& letters) {
        std::vector<float> heights;
        heights.reserve(letters.size());
        for (const Letter& letter : letters) heights.push_back(static_cast<float>(letter.height()));
        return std::max(median(heights), 4.0f);
    }
    /// Where two columns' lines stand a little beside each other, a chain may reach from one to the other.
    void add(RowPiece piece) {
        measure(piece);
        const size_t step = step_in(piece);
        RowPiece rest;
        rest.letters.assign(piece.letters.begin() + static_cast<ptrdiff_t>(step), piece.letters.end());
        if (!rest.letters.empty()) {
            piece.letters.resize(step);
            measure(piece);
        }
        pieces_.push_back(std::move(piece));
        if (!rest.letters.empty()) add(std::move(rest));
    }
    /// The first letter behind a wide gap at which the row goes on higher or lower; else the end.
    static size_t step_in(const RowPiece& piece) {
        constexpr size_t fewest = 6, most = 16;
        constexpr float wide = 1.2f, high = 0.35f;  // in x-heights
        const std::vector<Letter>& letters = piece.letters;
        int32_t right = letters.front().box.right;
        for (size_t i = 1; i + fewest <= letters.size(); ++i) {
            const auto gap = static_cast<float>(letters[i].box.left - right);
            right = std::max(right, letters[i].box.right);
            if (i < fewest || gap < wide * piece.x_height) continue;
            RowPiece before, behind;
            before.letters.assign(letters.begin() + static_cast<ptrdiff_t>(i - std::min(i, most)),
                                  letters.begin() + static_cast<ptrdiff_t>(i));
            behind.letters.assign(letters.begin() + static_cast<ptrdiff_t>(i),
                                  letters.begin() + static_cast<ptrdiff_t>(std::min(i + most, letters.size())));
            measure(before);
            measure(behind);
            if (!is_regular(before) || !is_regular(behind)) continue;
            if (std::abs(before.baseline - behind.baseline) > high * std::min(before.x_height, behind.x_height))
                return i;
        }
        return letters.size();
    }
    static float middle_of(const RowPiece& piece) { return static_cast<float>(piece.box.top + piece.box.bottom) / 2; }
    static float height_of(const RowPiece& piece) { return static_cast<float>(piece.box.bottom - piece.box.top); }

    /// How far it is from the row; infinite where it is no part of it.
    float distance(const RowPiece& part, const RowPiece& row) const {
        constexpr float no = std::numeric_limits<float>::infinity();
        const auto gap = static_cast<float>(std::max({part.left() - row.right(), row.left() - part.right(), 0}));
        if (gap > mark_reach * row.x_height) return no;
        const float middle = middle_of(part), above = row.baseline - middle;
        if (above < -0.6f * row.x_height || above > std::max(row.ascent, 1.4f * row.x_height) + 0.5f * row.x_height)
            return no;
        const float outside = std::max({above - row.ascent, -above, 0.0f});
        return gap + 2 * outside;
    }
    bool is_part(const RowPiece& part, const RowPiece& row) const {
        const float height = height_of(part);
        if (row.letters.size() < 2 || part.letters.size() > row.letters.size()) return false;
        // What is very large may be a picture, and small text within it not its marks.
        constexpr float very_large = 3.5f;
        if (row.x_height > very_large * letter_height_ && height < 0.25f * row.x_height) return false;
        // Marks side by side, as quotes about a sign, stand on no line of their own.
        constexpr size_t most_marks = 8;
        if (part.letters.size() <= most_marks && !is_regular(part) &&
            static_cast<float>(part.box.top) > row.baseline - 1.3f * row.ascent &&
            static_cast<float>(part.box.bottom) < row.baseline + 0.4f * row.x_height)
            return true;
        // Marks are low, or few: what is high as the row is a letter of it, by itself.
        return part.letters.size() <= 4 && height <= 2.2f * row.ascent &&
               (height <= 0.75f * row.x_height || part.letters.size() <= 2);
    }
    void join_parts() {
        std::ranges::sort(pieces_, {}, &RowPiece::baseline);
        std::vector<uint32_t> into(pieces_.size(), none);
        float highest = 0;
        for (const RowPiece& piece : pieces_) highest = std::max(highest, std::max(piece.ascent, piece.x_height));
        for (uint32_t i = 0; i < pieces_.size(); ++i) {
            const RowPiece& part = pieces_[i];
            float nearest = std::numeric_limits<float>::infinity();
            const auto look_at = [&](uint32_t other) {
                if (other == i || !is_part(part, pieces_[other])) return;
                const float far = distance(part, pieces_[other]);
                if (far < nearest) {
                    nearest = far;
                    into[i] = other;
                }
            };
            const float reach = 3 * highest;
            for (uint32_t other = i; other-- > 0 && part.baseline - pieces_[other].baseline <= reach;) look_at(other);
            for (uint32_t other = i + 1; other < pieces_.size() && pieces_[other].baseline - part.baseline <= reach;
                 ++other)
                look_at(other);
        }
        merge(into);
    }
    /// The strokes of an equals sign that stands alone.
    void join_strokes() {
        std::vector<uint32_t> strokes, into(pieces_.size(), none);
        for (uint32_t i = 0; i < pieces_.size(); ++i)
            if (pieces_[i].letters.size() == 1 && is_stroke(pieces_[i].letters.front())) strokes.push_back(i);
        std::ranges::sort(strokes, {}, [&](uint32_t i) { return std::pair(pieces_[i].left(), pieces_[i].box.top); });
        for (size_t i = 1; i < strokes.size(); ++i) {
            const Box &above = pieces_[strokes[i - 1]].box, &below = pieces_[strokes[i]].box;
            const int32_t width = above.right - above.left, white = below.top - above.bottom;
            if (5 * std::abs(below.left - above.left) <= width && 5 * std::abs(below.right - above.right) <= width &&
                white > 0 && white < width)
                into[strokes[i - 1]] = strokes[i];
        }
        merge(into);
    }
    static bool is_stroke(const Letter& letter) { return letter.width() >= 2 * letter.height(); }
    /// Two ends that face each other, near enough for a space.
    void join_ends() {
        constexpr float overlapping = 4;  // letters in parts, or in frames, may be of either
        std::ranges::sort(pieces_, {}, &RowPiece::baseline);
        std::vector<uint32_t> into(pieces_.size(), none);
        for (uint32_t i = 0; i < pieces_.size(); ++i) {
            const RowPiece& piece = pieces_[i];
            float nearest = std::numeric_limits<float>::max();
            const auto look_at = [&](uint32_t other) {
                const RowPiece& next = pieces_[other];
                const auto gap = static_cast<float>(next.left() - piece.right());
                const float low = std::min(piece.x_height, next.x_height),
                            high = std::max(piece.x_height, next.x_height);
                if (next.left() <= piece.left() || gap < -overlapping * low || gap > widest_gap * high ||
                    gap >= nearest)
                    return;
                if (high > most_different * low || std::abs(next.baseline - piece.baseline) > 0.35f * low) return;
                nearest = gap;
                into[i] = other;
            };
            const float reach = piece.x_height;
            for (uint32_t other = i; other-- > 0 && piece.baseline - pieces_[other].baseline <= reach;) look_at(other);
            for (uint32_t other = i + 1; other < pieces_.size() && pieces_[other].baseline - piece.baseline <= reach;
                 ++other)
                look_at(other);
        }
        merge(into);
    }
    void merge(std::vector<uint32_t>& into) {
        // Two that are part of each other would vanish; one of them stays.
        const auto root_of = [&](uint32_t i) {
            uint32_t root = i;
            for (size_t steps = 0; into[root] != none; ++steps) {
                if (steps > into.size()) {
                    into[root] = none;
                    break;
                }
                root = into[root];
            }
            return root;
        };
        std::vector<bool> changed(pieces_.size());
        for (uint32_t i = 0; i < pieces_.size(); ++i) {
            const uint32_t root = root_of(i);
            if (root == i) continue;
            RowPiece& whole = pieces_[root];
            whole.letters.insert(whole.letters.end(), pieces_[i].letters.begin(), pieces_[i].letters.end());
            pieces_[i].letters.clear();
            changed[root] = true;
        }
        for (uint32_t i = 0; i < pieces_.size(); ++i)
            if (changed[i]) measure(pieces_[i]);
        std::erase_if(pieces_, [](const RowPiece& piece) { return piece.letters.empty(); });
    }

    float letter_height_;  ///< of the median one
    std::vector<RowPiece>& pieces_;
};

constexpr size_t fewest_steps = 5;

/// Letters stand in the middle of cells that are all as wide, but for quotes and for what touches.
float pitch_of(std::span<const Letter> letters, float x_height) {
    constexpr float narrowest = 0.5f, widest = 1.8f;  // in x-heights: over a space it is farther
    std::vector<float> steps;
    for (size_t i = 1; i < letters.size(); ++i) {
        const auto step = static_cast<float>(letters[i].box.left + letters[i].box.right - letters[i - 1].box.left -
                                             letters[i - 1].box.right) /
                          2;
        if (step >= narrowest * x_height && step <= widest * x_height) steps.push_back(step);
    }
    if (steps.size() < fewest_steps) return 0;
    const float usual = median(steps);
    constexpr float farthest_off = 0.13f;
    const auto alike =
        std::ranges::count_if(steps, [&](float step) { return std::abs(step - usual) <= farthest_off * usual; });
    return 10 * alike >= 7 * static_cast<ptrdiff_t>(steps.size()) ? usual : 0;
}

}  // namespace

bool is_of_one_pitch(const RowPiece& piece, size_t first_behind) {
    if (piece.pitch == 0) return false;
    const std::span<const Letter> letters(piece.letters);
    return std::ranges::all_of(std::array{letters.first(first_behind), letters.subspan(first_behind)}, [&](auto side) {
        return side.size() <= 2 * fewest_steps || pitch_of(side, piece.x_height) > 0;
    });
}

bool are_of_one_pitch(const RowPiece& a, const RowPiece& b) {
    constexpr float farthest_off = 0.1f;
    const RowPiece& sure = a.pitch > 0 ? a : b;
    const RowPiece& other = a.pitch > 0 ? b : a;
    if (sure.pitch == 0) return false;
    if (other.pitch > 0) return std::abs(sure.pitch - other.pitch) <= farthest_off * sure.pitch;
    // Of a few letters it cannot be told, but where they are near.
    constexpr float most_spaces = 8;
    const int32_t white = std::max(a.left(), b.left()) - std::min(a.right(), b.right());
    return other.letters.size() <= fewest_steps && static_cast<float>(white) <= most_spaces * sure.pitch;
}

void measure(RowPiece& piece) {
    std::ranges::sort(piece.letters, {}, [](const Letter& letter) { return letter.box.left; });
    piece.box = piece.letters.front().box;
    for (const Letter& letter : piece.letters) extend(piece.box, letter.box);
    const std::vector<const Letter*> usual = usual_letters(piece);
    std::vector<float> bottoms, heights;
    for (const Letter* letter : usual) {
        bottoms.push_back(static_cast<float>(letter->box.bottom));
        heights.push_back(static_cast<float>(letter->height()));
    }
    const float height = median(heights);
    const float tolerance = std::max(0.12f * height, 1.5f);
    piece.baseline = densest(bottoms, tolerance).middle;
    std::vector<float> tops;
    for (const Letter* letter : usual) {
        const float bottom = static_cast<float>(letter->box.bottom);
        if (std::abs(bottom - piece.baseline) <= 0.25f * height)
            tops.push_back(piece.baseline - static_cast<float>(letter->box.top));
    }
    if (tops.empty()) tops.push_back(height);
    std::vector<float> higher, lower;
    const Cluster most = densest(tops, 2 * tolerance);
    for (const float top : tops) {
        if (top > 1.18f * most.middle) higher.push_back(top);
        if (top < 0.85f * most.middle && top > 0.55f * most.middle) lower.push_back(top);
    }
    const float letters = static_cast<float>(tops.size());
    if (static_cast<float>(lower.size()) >= 0.15f * letters && lower.size() >= 2) {
        piece.x_height = densest(lower, 2 * tolerance).middle;
        piece.ascent = most.middle;
        piece.is_high = false;
    } else if (!higher.empty()) {
        piece.x_height = most.middle;
        piece.ascent = std::min(densest(higher, 2 * tolerance).middle, 1.8f * most.middle);
        piece.is_high = false;
    } else {
        // Small letters without any high or low one among them are rare.
        size_t deep = 0;
        for (const Letter* letter : usual)
            deep += static_cast<float>(letter->box.bottom) > piece.baseline + 0.2f * height ? 1 : 0;
        constexpr size_t telling = 4;
        piece.is_high = deep == 0;
        piece.x_height = piece.is_high && tops.size() >= telling ? 0.72f * most.middle : most.middle;
        piece.ascent = most.middle;
    }
    piece.x_height = std::max(piece.x_height, 1.0f);
    piece.ascent = std::max(piece.ascent, piece.x_height);
    piece.pitch = pitch_of(piece.letters, piece.x_height);
}

Box levelled(const Box& box, double slope) {
    const double x = (box.left + box.right) / 2.0, y = (box.top + box.bottom) / 2.0;
    const auto right = static_cast<int32_t>(std::lround(slope * y)), up = static_cast<int32_t>(std::lround(slope * x));
    return {box.left + right, box.top - up, box.right + right, box.bottom - up};
}

std::vector<Letter> levelled(std::span<const Component> components, double slope) {
    std::vector<Letter> letters;
    letters.reserve(components.size());
    for (const Component& component : components)
        letters.push_back({levelled(component.box, slope), component.box, component.pixels});
    return letters;
}

std::vector<RowPiece> pieces_of(std::vector<Letter> letters) {
    std::vector<RowPiece> pieces;
    if (letters.empty()) return pieces;
    std::ranges::sort(letters, {}, [](const Letter& letter) { return std::pair(letter.box.left, letter.box.top); });
    Pieces(letters, pieces).complete();
    return pieces;
}

}  // namespace pg_ocr
