// Programs that extract text from a PDF look at where glyphs stand, at the size of their font and at their order. So
// all words of a line have one size and one baseline; each word is stretched to its box, and a space to the gap behind
// it; and words come in reading order. Where a word runs from right to left its characters are drawn from left to right
// as they stand on paper: that is what drawn Arabic looks like, and what programs turn round again.
#include "engine/pdf/text_layer_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>
#include <tuple>
#include <utility>

#include "engine/pdf/drawn_order.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

constexpr size_t most_numbers = 65535;
constexpr char32_t replacement = 0xfffd;
/// Boxes beyond are nowhere on any page; their sums and products stay finite.
constexpr int32_t furthest = 1 << 20;

struct Point {
    double x = 0, y = 0;
};

/// Which way a line runs over the page: along it, and from its top to its bottom; y grows downward.
struct Direction {
    Point along, down;
};
constexpr Direction rightward{{1, 0}, {0, 1}}, downward{{0, 1}, {-1, 0}}, upward{{0, -1}, {1, 0}};

double along(const Direction& direction, Point p) { return p.x * direction.along.x + p.y * direction.along.y; }
double down(const Direction& direction, Point p) { return p.x * direction.down.x + p.y * direction.down.y; }

struct PlacedWord {
    std::u32string characters;
    Box box;
    double begin = 0, end = 0;   ///< along the line
    double top = 0, bottom = 0;  ///< across it
    bool runs_leftward = false;
};

bool is_vertical_script(char32_t c) {
    return (c >= 0x2e80 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7af) || c >= 0x20000;
}

std::vector<PlacedWord> placed(const Line& line) {
    std::vector<PlacedWord> words;
    auto inside = [](int32_t place) { return place >= -furthest && place <= furthest; };
    for (const Word& word : line.words) {
        const Box& box = word.box;
        if (!inside(box.left) || !inside(box.top) || !inside(box.right) || !inside(box.bottom)) continue;
        if (box.left >= box.right || box.top >= box.bottom) continue;
        PlacedWord next;
        next.box = box;
        for (char32_t c : characters_of(word.text))
            if (c >= 0x20 && c != 0x7f) next.characters += c;
        if (!next.characters.empty()) words.push_back(std::move(next));
    }
    return words;
}

Direction direction_of(const std::vector<PlacedWord>& words) {
    const Box &first = words.front().box, &last = words.back().box;
    if (words.size() == 1) {
        constexpr int32_t twice = 2;
        const bool is_high = first.bottom - first.top > twice * (first.right - first.left);
        if (!is_high || words.front().characters.size() < 2) return rightward;
        return is_vertical_script(words.front().characters.front()) ? downward : upward;
    }
    // Twice the centres.
    const int64_t across = int64_t{last.left} + last.right - first.left - first.right;
    const int64_t below = int64_t{last.top} + last.bottom - first.top - first.bottom;
    const bool beside = first.top < last.bottom && last.top < first.bottom;
    const bool stacked = first.left < last.right && last.left < first.right;
    if (std::abs(below) <= std::abs(across) || (beside && !stacked)) return rightward;
    return below > 0 ? downward : upward;
}

void place_along(std::vector<PlacedWord>& words, const Direction& direction) {
    for (PlacedWord& word : words) {
        const Point one{static_cast<double>(word.box.left), static_cast<double>(word.box.top)};
        const Point other{static_cast<double>(word.box.right), static_cast<double>(word.box.bottom)};
        std::tie(word.begin, word.end) = std::minmax({along(direction, one), along(direction, other)});
        std::tie(word.top, word.bottom) = std::minmax({down(direction, one), down(direction, other)});
    }
}

struct Extent {
    double top = 0, bottom = 0;
    double height() const { return bottom - top; }
};

Extent extent_of(const std::vector<PlacedWord>& words, double slope) {
    constexpr double far = std::numeric_limits<double>::infinity();
    Extent extent{far, -far};
    for (const PlacedWord& word : words) {
        const double sunk = slope * (word.begin + word.end) / 2;
        extent.top = std::min(extent.top, word.top - sunk);
        extent.bottom = std::max(extent.bottom, word.bottom - sunk);
    }
    return extent;
}

/// How far the line sinks per pixel, where that is seen in its words' boxes: the median of many pairs of words, so that
/// a letter with a descender does not bend it.
double slope_of(const std::vector<PlacedWord>& words) {
    const size_t half = words.size() / 2;
    if (half == 0) return 0;
    std::vector<double> slopes;
    for (size_t i = 0; i + half < words.size(); ++i) {
        const PlacedWord &one = words[i], &other = words[i + half];
        const double apart = (other.begin + other.end - one.begin - one.end) / 2;
        if (std::fabs(apart) >= 1) slopes.push_back((other.top + other.bottom - one.top - one.bottom) / 2 / apart);
    }
    if (slopes.empty()) return 0;
    auto median = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
    std::nth_element(slopes.begin(), median, slopes.end());
    constexpr double steepest = 0.3, worthwhile = 0.85;
    // Less is what ascenders at one end and descenders at the other make of a short line.
    constexpr double least_fall = 0.7;
    const PlacedWord &first = words.front(), &last = words.back();
    const double fall = std::fabs(*median * (last.begin + last.end - first.begin - first.end) / 2);
    const double straightened = extent_of(words, *median).height();
    if (std::fabs(*median) > steepest || fall < least_fall * straightened) return 0;
    return straightened < worthwhile * extent_of(words, 0).height() ? *median : 0;
}

void append_number(std::string& to, double value, int digits = 2) {
    std::array<char, 64> text{};
    const auto [end, error] = std::to_chars(text.begin(), text.end(), value, std::chars_format::fixed, digits);
    if (error != std::errc()) return;
    std::string_view number(text.data(), static_cast<size_t>(end - text.begin()));
    if (number.find('.') != std::string_view::npos) {
        number = number.substr(0, number.find_last_not_of('0') + 1);
        if (number.ends_with('.')) number.remove_suffix(1);
    }
    to += number == "-0" ? "0" : number;
}

void append_numbers(std::string& to, std::initializer_list<double> values, int digits = 2) {
    for (double value : values) {
        append_number(to, value, digits);
        to += ' ';
    }
}

/// An image's pixel, from its upper left corner, as it was before the image was turned clockwise by so many degrees
/// about its centre.
Affine unturned_by(double degrees, double width, double height) {
    const double angle = -degrees * std::numbers::pi / 180, cosine = std::cos(angle), sine = std::sin(angle);
    const double x = width / 2, y = height / 2;
    return {cosine, sine, -sine, cosine, x - cosine * x + sine * y, y - sine * x - cosine * y};
}

/// What programs take for characters of one word is neither narrower than this nor further apart than that, in heights
/// of the line.
constexpr double least_advance = 0.12, least_gap = 0.2, widest_gap = 2;

/// pdf.js measures gaps in units of the text's matrix: by this scale of it, which letters undo, it finds a space where
/// a gap has 0.19 to 1.08 heights, and no longer 0.1 to 0.6. Where it changes, another text begins for it.
constexpr double leftward_scale = 1.8, widest_unseen_gap = 0.17, widest_gap_in_text = 1.05;

/// What stands on other characters, or between them.
bool is_mark(char32_t c) { return is_directional(c) || is_combining(c); }
std::ptrdiff_t marks_in(const std::u32string& characters) {
    return std::count_if(characters.begin(), characters.end(), is_mark);
}

/// One line's operators, in pixels of the image as it was before it was straightened.
class LineWriter {
  public:
    LineWriter(std::string& to, CharacterNumbers& numbers, const PageView& page, const Direction& direction,
               double slope, const Extent& extent)
        : to_(to),
          numbers_(numbers),
          direction_(direction),
          slope_(slope),
          size_(extent.height()),
          baseline_(extent.bottom + size_ * font_descent / 1000),
          page_height_(page.height),
          unskewed_(unturned_by(static_cast<double>(page.skew), page.width, page.height)) {
        // Programs take a word whose characters sink for several, so on a line that is nearly straight each word is.
        constexpr double nearly_straight = 10 * std::numbers::pi / 180;
        const double angle = std::atan(slope_) - static_cast<double>(page.skew) * std::numbers::pi / 180;
        angle_ = std::fabs(angle) > nearly_straight ? angle : 0;
        to_ += font_in_content;
        to_ += ' ';
        append_number(to_, size_);
        to_ += " Tf\n";
    }

    /// `scale`: of the matrix along the line, which the letters undo.
    void show(const std::u32string& characters, double begin, double end, double scale) {
        const double cosine = std::cos(angle_), sine = std::sin(angle_);
        const Point &a = direction_.along, &d = direction_.down;
        const Point right{cosine * a.x + sine * d.x, cosine * a.y + sine * d.y};
        const Point up{sine * a.x - cosine * d.x, sine * a.y - cosine * d.y};
        const double middle = (begin + end) / 2, half = (end - begin) / 2, across = slope_ * middle + baseline_;
        const Point centre = moved({middle * a.x + across * d.x, middle * a.y + across * d.y});
        scale_ = scale;
        append_numbers(to_, {scale * right.x, -scale * right.y, up.x, -up.y}, 5);
        append_numbers(to_, {centre.x - half * right.x, page_height_ - (centre.y - half * right.y)});
        to_ += "Tm ";
        const auto marks = static_cast<size_t>(marks_in(characters));
        const double of_marks = std::min(least_advance * size_ * static_cast<double>(marks), (end - begin) / 2);
        const double of_others = end - begin - of_marks;
        for (size_t i = 0, next = 0; i < characters.size(); i = next) {
            const bool of_mark = is_mark(characters[i]);
            while (next < characters.size() && is_mark(characters[next]) == of_mark) ++next;
            const double share = of_mark ? of_marks / static_cast<double>(marks)
                                         : of_others / static_cast<double>(characters.size() - marks);
            go_on(characters.substr(i, next - i), share * static_cast<double>(next - i));
        }
    }

    /// Where the last glyph ended.
    void go_on(const std::u32string& characters, double width) {
        const double natural = static_cast<double>(characters.size()) * size_ * glyph_width / 1000 * scale_;
        append_number(to_, 100 * width / natural, scale_ == 1 ? 2 : 5);
        to_ += " Tz <";
        for (char32_t c : characters) {
            constexpr std::string_view hexadecimal = "0123456789abcdef";
            const uint16_t number = numbers_.number_of(c);
            for (int shift = 12; shift >= 0; shift -= 4) to_ += hexadecimal[number >> shift & 15];
        }
        to_ += "> Tj\n";
    }

  private:
    Point moved(Point p) const {
        return {unskewed_.a * p.x + unskewed_.c * p.y + unskewed_.e,
                unskewed_.b * p.x + unskewed_.d * p.y + unskewed_.f};
    }

    std::string& to_;
    CharacterNumbers& numbers_;
    Direction direction_;
    double slope_;
    double size_;
    double baseline_;  ///< across the line, where along it is 0
    double page_height_;
    Affine unskewed_;
    double angle_ = 0;  ///< of the words to their direction, clockwise
    double scale_ = 1;
};

double least_width(const PlacedWord& word, double height) {
    return least_advance * height * static_cast<double>(word.characters.size());
}

/// Boxes may overlap, or nearly so. Words that belong together touch; others are kept apart.
void part_words(PlacedWord& word, PlacedWord& next, bool parted, double height) {
    const double gap = next.begin - word.end, narrow = word.begin + least_width(word, height);
    if (parted && gap < least_gap * height) {
        const double middle = (word.begin + word.end) / 2;
        word.end = std::max({std::min(word.end, next.begin - least_gap * height), middle, narrow});
        next.begin = std::max(next.begin, word.end + least_gap * height);
    } else if (!parted && gap < widest_gap * height) {
        word.end = std::max(gap > 0 ? next.begin : (word.end + next.begin) / 2, narrow);
        next.begin = word.end;
    }
    next.end = std::max(next.end, next.begin + least_width(next, height));
}

/// How many words stand further left than the word before them.
size_t steps_back(const std::vector<DrawnWord>& drawn, const std::vector<PlacedWord>& words) {
    size_t steps = 0;
    for (size_t i = 1; i < drawn.size(); ++i) {
        const PlacedWord &word = words[drawn[i - 1].number], &next = words[drawn[i].number];
        if (next.begin + next.end < word.begin + word.end) ++steps;
    }
    return steps;
}

/// Words of a line on which some run leftward, as they are drawn. Whether the line runs leftward: as their boxes have
/// it, or where those tell nothing, as most words do.
bool put_as_drawn(std::vector<PlacedWord>& words) {
    std::vector<std::u32string> texts;
    texts.reserve(words.size());
    for (const PlacedWord& word : words) texts.push_back(word.characters);
    bool leftward = mostly_leftward(texts);
    std::vector<DrawnWord> line = drawn_line(texts, leftward);
    if (const size_t steps = steps_back(line, words); steps > 0) {
        std::vector<DrawnWord> other = drawn_line(texts, !leftward);
        if (steps_back(other, words) < steps) {
            line = std::move(other);
            leftward = !leftward;
        }
    }
    std::vector<PlacedWord> drawn;
    for (DrawnWord& word : line) {
        drawn.push_back(std::move(words[word.number]));
        drawn.back().characters = std::move(word.characters);
        drawn.back().runs_leftward = word.runs_leftward;
    }
    words = std::move(drawn);
    return leftward;
}

/// As pdf.js sees it, which knows nothing of marks and takes them for room behind the word.
double gap_seen(const PlacedWord& word, const PlacedWord& next, double height) {
    return next.begin - word.end + least_advance * height * static_cast<double>(marks_in(word.characters));
}

/// pdf.js puts a line in its order where no gap is wide; and it sees two spaces before a word that begins, from the
/// left, with what stands on its next character, unless the gap is too narrow to be one.
void part_leftward_words(PlacedWord& word, PlacedWord& next, double height) {
    const double widest = is_combining(next.characters.front()) ? widest_unseen_gap : widest_gap_in_text;
    word.end += std::max(0.0, gap_seen(word, next, height) - widest * height);
}

void write_line(std::string& to, CharacterNumbers& numbers, const Line& line, const PageView& page) {
    std::vector<PlacedWord> words = placed(line);
    if (words.empty()) return;
    const Direction direction = direction_of(words);
    place_along(words, direction);
    const double slope = slope_of(words);
    const Extent extent = extent_of(words, slope);
    const double height = extent.height();
    const bool is_mixed =
        std::any_of(words.begin(), words.end(), [](const PlacedWord& word) { return runs_leftward(word.characters); });
    const bool line_runs_leftward = is_mixed && put_as_drawn(words);
    if (words.empty()) return;
    LineWriter writer(to, numbers, page, direction, slope, extent);
    words.front().end = std::max(words.front().end, words.front().begin + least_width(words.front(), height));
    for (size_t i = 0; i < words.size(); ++i) {
        PlacedWord& word = words[i];
        PlacedWord* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
        const bool parted = next != nullptr && is_space_between(word.characters.back(), next->characters.front());
        const bool goes_on = next != nullptr && next->end > word.begin;
        if (goes_on) part_words(word, *next, parted, height);
        if (goes_on && parted && line_runs_leftward) part_leftward_words(word, *next, height);
        writer.show(word.characters, word.begin, word.end, word.runs_leftward ? leftward_scale : 1);
        // Also behind the last one: lines of a skewed page are side by side for some programs.
        if (next == nullptr || parted) writer.go_on(U" ", goes_on ? next->begin - word.end : least_gap * height);
    }
}

/// A pixel as it was before the image was turned by quarters, by which it got the given width and height.
Affine unturned_by_quarters(int32_t rotation, double width, double height) {
    switch (rotation) {
        case 90:
            return {0, -1, 1, 0, 0, width};
        case 180:
            return {-1, 0, 0, -1, width, height};
        case 270:
            return {0, 1, -1, 0, height, 0};
        default:
            return {};
    }
}

}  // namespace

uint16_t CharacterNumbers::number_of(char32_t c) {
    if (auto known = numbers_.find(c); known != numbers_.end()) return known->second;
    if (characters_.size() == most_numbers - 1 && c != replacement) return number_of(replacement);
    if (characters_.size() == most_numbers) return numbers_.at(replacement);
    characters_.push_back(c);
    const auto number = static_cast<uint16_t>(characters_.size());
    numbers_.emplace(c, number);
    return number;
}

void TextLayerWriter::add(const PageLayout& page) {
    const PageView& view = page.view;
    if (view.width <= 0 || view.height <= 0 || view.width > furthest || view.height > furthest) return;
    DrawnWords drawn{view, {}};
    for (const Block& block : page.layout.blocks)
        for (const Line& line : block.lines) write_line(drawn.content, characters_, line, view);
    if (!drawn.content.empty()) pages_.insert_or_assign(view.page_no, std::move(drawn));
}

Affine pixels_to_points(const PageView& page, double left, double bottom, double right, double top) {
    const double width = page.width, height = page.height;
    const bool lies = page.rotation % 180 != 0;
    const double stored_width = lies ? height : width, stored_height = lies ? width : height;
    const Affine from_top{1, 0, 0, -1, 0, height};
    const Affine stored = unturned_by_quarters(page.rotation, width, height);
    const Affine points{(right - left) / stored_width, 0, 0, (bottom - top) / stored_height, left, top};
    return then(then(from_top, stored), points);
}

std::string content_of(const DrawnWords& page, const Affine& to_points, std::string_view font_name) {
    std::string content = "q ";
    append_numbers(content, {to_points.a, to_points.b, to_points.c, to_points.d, to_points.e, to_points.f}, 8);
    content += "cm BT 3 Tr\n";
    for (size_t at = 0; at < page.content.size();) {
        const size_t found = std::min(page.content.find(font_in_content, at), page.content.size());
        content.append(page.content, at, found - at);
        if (found == page.content.size()) break;
        content += font_name;
        at = found + font_in_content.size();
    }
    content += "ET Q\n";
    return content;
}

}  // namespace pg_ocr
