#include "engine/layout/baseline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace pg_ocr {
namespace {

struct Point {
    int32_t x = 0, y = 0;
};

/// Heights counted, from 0 to most, and a quantile between two of them by how many there are of the upper one.
class Heights {
  public:
    explicit Heights(int32_t most) : counts_(static_cast<size_t>(most) + 1) {}
    void add(int32_t height) {
        ++counts_[static_cast<size_t>(std::clamp(height, 0, static_cast<int32_t>(counts_.size()) - 1))];
        ++total_;
    }
    int32_t total() const { return total_; }
    double quantile(double fraction) const {
        if (total_ == 0) return 0;
        const double wanted = std::clamp(fraction * total_, 1.0, static_cast<double>(total_));
        double below = 0;
        for (size_t height = 0;; ++height) {
            const double with = below + counts_[height];
            if (with >= wanted) return static_cast<double>(height) + 1 - (with - wanted) / counts_[height];
            below = with;
        }
    }

  private:
    std::vector<int32_t> counts_;
    int32_t total_ = 0;
};

constexpr int32_t tallest = 299;

/// A wide blob as boxes of as many letters as it may be, each as tall as its ink.
void add_letters(const RowBlob& blob, float letter_width, std::vector<UprightBox>& boxes) {
    const auto letters = static_cast<int32_t>(static_cast<float>(blob.box.width()) / letter_width);
    if (letters < 2 || blob.columns.empty()) {
        boxes.push_back(blob.box);
        return;
    }
    const auto columns = static_cast<int32_t>(blob.columns.size());
    const float width = static_cast<float>(blob.box.width() + 1) / static_cast<float>(letters);
    const size_t first = boxes.size();
    float right = static_cast<float>(blob.box.right);
    for (int32_t letter = 0; letter < letters; ++letter, right -= width) {
        const float left = right - width;
        // A corner of ink that lies on the letter's edge counts for both neighbours.
        const int32_t from = std::max(static_cast<int32_t>(std::ceil(left)) - 1 - blob.box.left, 0);
        const int32_t to = std::min(static_cast<int32_t>(std::floor(right)) - blob.box.left, columns - 1);
        UprightBox box{std::max(static_cast<int32_t>(std::floor(left)), blob.box.left), blob.box.top,
                       static_cast<int32_t>(std::ceil(right)), blob.box.bottom};  // no ink yet
        for (int32_t column = from; column <= to; ++column) {
            box.bottom = std::min(box.bottom, blob.columns[static_cast<size_t>(column)].bottom);
            box.top = std::max(box.top, blob.columns[static_cast<size_t>(column)].top);
        }
        if (box.bottom < box.top) boxes.push_back(box);
    }
    std::reverse(boxes.begin() + static_cast<ptrdiff_t>(first), boxes.end());
}

/// Blobs that are not too flat to stand on the line; dots are not flat, and the ends count in any case.
std::vector<UprightBox> standing(std::span<const UprightBox> blobs, float line_size) {
    const double flat = static_cast<int32_t>(line_size) * 0.25;
    constexpr double dot = 1.26;
    std::vector<UprightBox> kept;
    for (size_t i = 0; i < blobs.size(); ++i) {
        const UprightBox& blob = blobs[i];
        const bool is_dot = blob.height() < blob.width() * dot && blob.width() < blob.height() * dot;
        if (i == 0 || i + 1 == blobs.size() || blob.height() > flat || is_dot) kept.push_back(blob);
    }
    return kept;
}

/// Distance from the line at which a blob stands on another: on descenders, or in the air.
float jump_limit_of(std::span<const UprightBox> blobs, float line_size) {
    const double flat = static_cast<int32_t>(line_size) * 0.25;
    Heights heights(tallest);
    for (const UprightBox& blob : blobs)
        if (blob.height() > flat) heights.add(blob.height());
    const int32_t height = heights.total() > 1 ? static_cast<int32_t>(heights.quantile(0.25)) : blobs[0].height();
    return static_cast<float>(std::max(height * 0.15, 2.0));
}

/// Sorts blobs, one after the other, by the level at which they stand above or below the line.
class Levels {
  public:
    static constexpr int32_t most = 6;
    explicit Levels(float jump_limit) : jump_limit_(jump_limit) {}

    /// The next walk begins at the blob where the one before began.
    void begin_walk() { last_ = none; }

    int32_t level_of(float above) {
        if (last_ == none) {
            heights_[0] = above;
            last_ = 0;
            drift_ = last_delta_ = 0;
        }
        int32_t level = last_;
        float delta = above - heights_[index(level)] - drift_;
        if (std::abs(delta) > jump_limit_ / 2) {
            level = nearest(above);
            delta = above - heights_[index(level)] - drift_;
            if (std::abs(delta) > jump_limit_ && count_ < most) {
                level = count_++;
                heights_[index(level)] = above - drift_;
                delta = 0;
            }
        }
        // A row that bends takes all of its levels along.
        if (level == last_ && std::min(std::abs(delta - last_delta_), std::abs(delta)) < jump_limit_ / 2)
            drift_ += delta / 3;
        last_delta_ = delta;
        last_ = level;
        return level;
    }
    int32_t count() const { return count_; }

  private:
    static constexpr int32_t none = -1;
    static size_t index(int32_t level) { return static_cast<size_t>(level); }
    int32_t nearest(float above) const {
        int32_t best = 0;
        for (int32_t level = 1; level < count_; ++level)
            if (std::abs(above - heights_[index(level)] - drift_) < std::abs(above - heights_[index(best)] - drift_))
                best = level;
        return best;
    }

    float jump_limit_;
    std::array<float, most> heights_{};
    int32_t count_ = 1;
    int32_t last_ = none;
    float drift_ = 0, last_delta_ = 0;
};

/// The second of three neighbours that lie best on the line.
size_t best_behaved(std::span<const float> above) {
    size_t best = 0;
    float least = 1e9f;
    for (size_t i = 2; i < above.size(); ++i) {
        const float sum = std::abs(above[i - 2]) + std::abs(above[i - 1]) + std::abs(above[i]);
        if (sum < least) {
            least = sum;
            best = i - 1;
        }
    }
    return best;
}

struct Line {
    double slope = 0, offset = 0;
    double at(double x) const { return slope * x + offset; }
};

class LeastSquares {
  public:
    void add(double x, double y) {
        n_ += 1;
        x_ += x;
        y_ += y;
        xx_ += x * x;
        xy_ += x * y;
    }
    Line fit() const {
        const double spread = xx_ * n_ - x_ * x_;
        if (n_ < 2 || spread < n_ * n_ / 1024) return {0, n_ > 0 ? y_ / n_ : 0};
        const double slope = (xy_ * n_ - x_ * y_) / spread;
        return {slope, (y_ - slope * x_) / n_};
    }

  private:
    double n_ = 0, x_ = 0, y_ = 0, xx_ = 0, xy_ = 0;
};

/// A run of blobs on another level belongs to the main one where a line through them meets the main one's next blob.
void join_levels(std::span<const UprightBox> blobs, std::vector<int32_t>& levels, int32_t main, float jump_limit) {
    constexpr size_t few = 2;
    const auto meets = [&](const Line& line, size_t i) {
        const double x = (blobs[i].left + blobs[i].right) / 2.0;
        return std::abs(line.at(x) - blobs[i].bottom) < jump_limit;
    };
    for (size_t begin = 0, end = 0; begin < blobs.size(); begin = end) {
        end = begin + 1;
        while (end < blobs.size() && levels[end] == levels[begin]) ++end;
        if (end == blobs.size() || levels[begin] == main || end - begin <= few) continue;
        LeastSquares points;
        for (size_t i = begin; i < end; ++i) points.add((blobs[i].left + blobs[i].right) / 2.0, blobs[i].bottom);
        const Line line = points.fit();
        for (size_t away = 1; away <= begin || end + away <= blobs.size(); ++away) {
            const bool left = away <= begin && levels[begin - away] == main;
            const bool right = end + away <= blobs.size() && levels[end + away - 1] == main;
            if (!left && !right) continue;
            if ((left && meets(line, begin - away)) || (right && meets(line, end + away - 1)))
                std::fill(levels.begin() + static_cast<ptrdiff_t>(begin), levels.begin() + static_cast<ptrdiff_t>(end),
                          main);
            break;
        }
    }
}

/// Where those blobs stand that are on the level that most are on.
std::vector<Point> footing(std::span<const UprightBox> blobs, const Line& line, float jump_limit) {
    std::vector<float> above;
    for (const UprightBox& blob : blobs)
        above.push_back(static_cast<float>(blob.bottom) - static_cast<float>(line.at(blob.middle())));
    const size_t start = best_behaved(above);
    std::vector<int32_t> levels(blobs.size());
    std::array<int32_t, Levels::most> sizes{};
    Levels sorting(jump_limit);
    for (size_t i = start; i < blobs.size(); ++i) levels[i] = sorting.level_of(above[i]);
    sorting.begin_walk();
    for (size_t i = start + 1; i-- > 0;) levels[i] = sorting.level_of(above[i]);
    for (int32_t level : levels) ++sizes[static_cast<size_t>(level)];
    int32_t main = 0;
    for (int32_t level = 1; level < sorting.count(); ++level)
        if (sizes[static_cast<size_t>(level)] >= sizes[static_cast<size_t>(main)]) main = level;
    join_levels(blobs, levels, main, jump_limit);
    std::vector<Point> points;
    for (size_t i = 0; i < blobs.size(); ++i)
        if (levels[i] == main) points.push_back({blobs[i].middle(), blobs[i].bottom});
    return points;
}

constexpr size_t most_pieces = 23;  ///< save two at the ends

/// Highest and lowest points in turn, as indices: where the row turns up or down by more than a pixel.
std::vector<size_t> turns_of(std::span<const Point> points) {
    std::vector<size_t> turns;
    if (points.size() <= 3) return turns;
    const auto add = [&](size_t i) {
        if (turns.size() < most_pieces - 1) turns.push_back(i);
    };
    const auto is_last = [&](size_t i) { return !turns.empty() && turns.back() == i; };
    // The same for both: with a sign of −1 low is high.
    size_t lowest = 0, highest = 0;
    const auto turn_at = [&](size_t i, int32_t sign, size_t& extreme, size_t opposite) {
        const int32_t before = sign * points[i - 1].y, y = sign * points[i].y, after = sign * points[i + 1].y;
        if (before <= y || y > after) return;
        if (y < sign * points[opposite].y - 1) {
            if (!is_last(opposite)) add(opposite);
            extreme = i;
        } else if (y < sign * points[extreme].y) {
            extreme = i;
        }
    };
    size_t i = 1;
    for (; i + 1 < points.size() && turns.size() < most_pieces - 1; ++i) {
        turn_at(i, 1, lowest, highest);
        turn_at(i, -1, highest, lowest);
    }
    const int32_t y = points[i].y;
    if (y < points[highest].y - 1 && !is_last(highest)) {
        add(highest);
        add(i);
    } else if (y > points[lowest].y + 1 && !is_last(lowest)) {
        add(lowest);
        add(i);
    } else if (is_last(lowest)) {
        add(y > points[highest].y ? i : highest);
    } else if (is_last(highest)) {
        add(y < points[lowest].y ? i : lowest);
    }
    return turns;
}

/// Where pieces begin and end: one more than there are pieces.
std::vector<int32_t> borders_of(std::span<const Point> points) {
    const std::vector<size_t> turns = turns_of(points);
    std::vector<int32_t> borders{points.front().x - 1};
    for (size_t t = 1; t < turns.size(); ++t) {
        const Point &from = points[turns[t - 1]], &to = points[turns[t]];
        const int32_t half_way = (from.y + to.y) / 2;
        size_t i = turns[t - 1] + 1;
        while (i < turns[t] && (from.y < to.y ? points[i + 1].y <= half_way : points[i + 1].y >= half_way)) ++i;
        borders.push_back((points[i - 1].x + points[i].x + from.x + to.x + 2) / 4);
    }
    borders.push_back(points.back().x + 1);
    return borders;
}

/// A line through the points of each piece, and through the border where it cuts between two points.
Baseline pieces_through(std::span<const Point> points, std::span<const int32_t> borders) {
    std::vector<Baseline::Piece> pieces;
    const auto add_border = [&](LeastSquares& sum, size_t i, int32_t x) {
        if (i == 0 || i >= points.size()) return;
        const Point &before = points[i - 1], &after = points[i];
        if (after.x == before.x || after.x == x) return;
        const int64_t rise = static_cast<int64_t>(after.y - before.y) * (x - before.x) / (after.x - before.x);
        sum.add(x, static_cast<double>(before.y + rise));
    };
    size_t i = 0;
    for (size_t piece = 0; piece + 1 < borders.size(); ++piece) {
        const bool is_last = piece + 2 == borders.size();
        LeastSquares sum;
        if (piece > 0) add_border(sum, i, borders[piece]);
        for (; i < points.size() && (is_last || points[i].x < borders[piece + 1]); ++i)
            sum.add(points[i].x, points[i].y);
        if (!is_last) add_border(sum, i, borders[piece + 1]);
        const Line line = sum.fit();
        pieces.push_back({borders[piece], static_cast<float>(line.slope), static_cast<float>(line.offset)});
    }
    return Baseline(std::move(pieces));
}

/// Of the points `least` to `most`, the one nearest to x, found from `i` on.
size_t nearest_point(std::span<const Point> points, double x, size_t i, size_t least, size_t most) {
    while (points[i].x > x && i > least) --i;
    while (points[i].x < x && i < most) ++i;
    return points[i].x - x > x - points[i - 1].x ? i - 1 : i;
}

/// Where two pieces meet at a step, a third is put between them, if there are points enough. True when there was one.
bool smooth_steps(const Baseline& baseline, float most_step, std::span<const Point> points,
                  std::vector<int32_t>& borders) {
    constexpr size_t window = 6;  // points
    bool smoothed = false;
    size_t begin = 0;
    const auto first_from = [&](size_t i, int32_t x) {
        while (i + 1 < points.size() && points[i].x < x) ++i;
        return i;
    };
    for (size_t b = 1; b + 2 < borders.size(); ++b) {
        const float step =
            baseline.steps_between((borders[b - 1] + borders[b]) / 2.0, (borders[b] + borders[b + 1]) / 2.0);
        if (std::abs(step) <= most_step || borders.size() > most_pieces) continue;
        begin = first_from(begin, borders[b - 1]);
        size_t centre = first_from(begin, borders[b]);
        const size_t end = first_from(centre, borders[b + 1]);
        if (end - begin < window * 3) continue;
        centre = std::clamp(centre, begin + window * 3 / 2, end - window * 3 / 2);
        const size_t left = nearest_point(points, (points[begin].x * 2 + points[centre].x) / 3.0,
                                          (begin * 2 + centre) / 3, begin + window, centre - window / 2);
        const size_t right = nearest_point(points, (points[centre].x + points[end].x * 2) / 3.0, (centre + end * 2) / 3,
                                           centre + window / 2, end - window);
        borders[b] = (points[left - 1].x + points[left].x) / 2;
        borders.insert(borders.begin() + static_cast<ptrdiff_t>(b) + 1, (points[right - 1].x + points[right].x) / 2);
        smoothed = true;
    }
    return smoothed;
}

/// Straight lines through one of the first and one of the last blobs, best first: those of which three quarters of the
/// blobs are least far away.
std::vector<Line> straight_guesses(std::span<const UprightBox> blobs) {
    constexpr size_t ends = 3;
    struct Guess {
        Line line;
        double error = 0;
    };
    std::vector<Guess> guesses;
    std::vector<double> away(blobs.size());
    for (size_t i = 0; i < std::min(ends, blobs.size()); ++i)
        for (size_t j = blobs.size() - std::min(ends, blobs.size()); j < blobs.size(); ++j) {
            const UprightBox &first = blobs[i], &last = blobs[j];
            if (first.middle() >= last.middle()) continue;
            const double slope =
                static_cast<double>(last.bottom - first.bottom) / static_cast<double>(last.middle() - first.middle());
            const Line line{slope, first.bottom - slope * first.middle()};
            std::ranges::transform(blobs, away.begin(), [&](const UprightBox& blob) {
                return std::abs(blob.bottom - line.at(blob.middle()));
            });
            const auto quartile = away.begin() + std::ssize(away) * 3 / 4;
            std::ranges::nth_element(away, quartile);
            guesses.push_back({line, *quartile});
        }
    std::ranges::stable_sort(guesses, {}, &Guess::error);
    std::vector<Line> lines;
    lines.reserve(guesses.size());
    for (const Guess& guess : guesses) lines.push_back(guess.line);
    return lines;
}

Baseline spline_from(const Line& guess, std::span<const UprightBox> blobs, float jump_limit) {
    const std::vector<Point> points = footing(blobs, guess, jump_limit);
    std::vector<int32_t> borders = borders_of(points);
    Baseline baseline = pieces_through(points, borders);
    while (smooth_steps(baseline, jump_limit / 2, points, borders)) baseline = pieces_through(points, borders);
    baseline.go_on(borders.front(), borders.back(), static_cast<float>(guess.slope));
    return baseline;
}

}  // namespace

float Baseline::Piece::at(double x) const {
    return static_cast<float>(static_cast<double>(slope) * x + static_cast<double>(offset));
}

size_t Baseline::piece_at(double x) const {
    const auto after = std::ranges::upper_bound(pieces_.begin() + 1, pieces_.end(), x, {},
                                                [](const Piece& piece) { return static_cast<double>(piece.begin); });
    return static_cast<size_t>(after - pieces_.begin()) - 1;
}

float Baseline::at(double x) const { return pieces_[piece_at(x)].at(x); }

float Baseline::steps_between(double from, double to) const {
    float sum = 0;
    for (size_t i = piece_at(from) + 1; i <= piece_at(to); ++i)
        sum += pieces_[i].at(pieces_[i].begin) - pieces_[i - 1].at(pieces_[i].begin);
    return sum;
}

void Baseline::go_on(int32_t from, int32_t to, float slope) {
    const Piece right{to, slope, at(to) - slope * static_cast<float>(to)};
    pieces_.insert(pieces_.begin(), {from, slope, at(from) - slope * static_cast<float>(from)});
    pieces_[1].begin = from;
    pieces_.push_back(right);
}

float Baseline::miss(const BaselineSample& sample) const {
    const float away = static_cast<float>(sample.y) - at(sample.x);
    return away > 0 ? std::max(away - 0.5f, 0.0f) : std::min(away + 0.5f, 0.0f);
}

float Baseline::between(const BaselineSample& left, const BaselineSample& right, int32_t x) const {
    const float l = miss(left), r = miss(right);
    const float both = l > 0 && r > 0 ? std::min(l, r) : l < 0 && r < 0 ? std::max(l, r) : 0;
    return at(x) + both;
}

float Baseline::misses(std::span<const BaselineSample> samples) const {
    float sum = 0;
    for (const BaselineSample& sample : samples) sum += std::abs(miss(sample));
    return sum;
}

float line_size_of(std::span<const UprightBox> blobs) {
    Heights heights(1000);
    for (const UprightBox& blob : blobs) heights.add(blob.height());
    const double most = heights.quantile(0.75), capitals = heights.quantile(0.9) * 2 / 3;
    return static_cast<float>(std::max(most, capitals) * 1.25);
}

Baseline fit_baseline(std::span<const RowBlob> row, float line_size, std::span<const BaselineSample> samples) {
    constexpr float letter_width = 0.75f;  // of the line's size
    std::vector<UprightBox> blobs;
    for (const RowBlob& blob : row) add_letters(blob, line_size * letter_width, blobs);
    LeastSquares rounded;
    for (const BaselineSample& sample : samples) rounded.add(sample.x, sample.y);
    const Line told = rounded.fit();
    Baseline best({{0, static_cast<float>(told.slope), static_cast<float>(told.offset)}});
    const std::vector<UprightBox> standing_blobs = standing(blobs, line_size);
    if (standing_blobs.size() < 2) return best;
    // Which blobs stand on the line depends on a first, straight guess that is not told: the likeliest that leads to
    // what the samples say is it.
    const float jump_limit = jump_limit_of(blobs, line_size);
    float least = std::numeric_limits<float>::infinity();
    std::vector<Line> guesses = straight_guesses(blobs);
    guesses.insert(guesses.begin() + std::min<ptrdiff_t>(std::ssize(guesses), 1), told);
    for (const Line& guess : guesses) {
        Baseline baseline = spline_from(guess, standing_blobs, jump_limit);
        const float misses = baseline.misses(samples);
        if (misses < least) {
            least = misses;
            best = std::move(baseline);
        }
        if (least == 0) break;
    }
    return best;
}

}  // namespace pg_ocr
