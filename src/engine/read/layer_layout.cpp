// Words of a text layer come in reading order, but as a flat list with places. A line goes on while the next word lies
// beside the last one, a block while the next line lies under the last one at a line's distance and in its size.
#include <algorithm>
#include <cmath>

#include "engine/read/text_layer.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

constexpr double points_per_inch = 72;

/// In heights of the line.
constexpr double widest_space = 4, widest_leading = 0.7, least_overlap = 0.5;
constexpr double same_size = 1.4;

/// Where something lies on a page turned so that its line is upright.
struct Span {
    double begin = 0, end = 0;   ///< along the line
    double top = 0, bottom = 0;  ///< across it
    double height() const { return bottom - top; }
};

Span span_of(const LayerWord& word) {
    switch (word.turn) {
        case 1:
            return {word.top, word.bottom, -word.right, -word.left};
        case 2:
            return {-word.right, -word.left, -word.bottom, -word.top};
        case 3:
            return {-word.bottom, -word.top, word.left, word.right};
        default:
            return {word.left, word.right, word.top, word.bottom};
    }
}

void extend(Span& span, const Span& by) {
    span.begin = std::min(span.begin, by.begin);
    span.end = std::max(span.end, by.end);
    span.top = std::min(span.top, by.top);
    span.bottom = std::max(span.bottom, by.bottom);
}

/// Hebrew, Arabic and their kin.
bool runs_leftward(const LayerWord& word) {
    std::u32string characters = characters_of(word.text);
    return std::any_of(characters.begin(), characters.end(), [](char32_t c) {
        return (c >= 0x590 && c < 0x900) || (c >= 0xfb1d && c < 0xfe00) || (c >= 0xfe70 && c < 0xff00);
    });
}

struct LayerLine {
    std::vector<const LayerWord*> words;
    Span span, last;
    int32_t turn = 0;

    explicit LayerLine(const LayerWord& word) : words{&word}, span(span_of(word)), last(span), turn(word.turn) {}

    bool goes_on_with(const LayerWord& word) const {
        if (word.turn != turn) return false;
        Span next = span_of(word);
        double overlap = std::min(next.bottom, last.bottom) - std::max(next.top, last.top);
        double lower = std::min(next.height(), last.height());
        if (overlap < least_overlap * lower) return false;
        double space = runs_leftward(word) && next.begin < last.begin ? last.begin - next.end : next.begin - last.end;
        return space >= -lower && space <= widest_space * lower;
    }

    void add(const LayerWord& word) {
        words.push_back(&word);
        last = span_of(word);
        extend(span, last);
    }

    /// Words that run leftward come in the order of their places.
    void put_in_reading_order() {
        auto leftward = std::count_if(words.begin(), words.end(), [](const LayerWord* w) { return runs_leftward(*w); });
        if (2 * static_cast<size_t>(leftward) <= words.size()) return;
        std::stable_sort(words.begin(), words.end(),
                         [](const LayerWord* a, const LayerWord* b) { return span_of(*a).begin > span_of(*b).begin; });
    }

    bool goes_on_under(const LayerLine& above, const Span& block) const {
        if (turn != above.turn) return false;
        double height = std::max(span.height(), above.span.height());
        if (height > same_size * std::min(span.height(), above.span.height())) return false;
        double leading = span.top - above.span.bottom;
        if (leading > widest_leading * height || span.top < above.span.top) return false;
        return span.begin < block.end && span.end > block.begin;
    }
};

std::vector<LayerLine> lines_of(const std::vector<LayerWord>& words) {
    std::vector<LayerLine> lines;
    for (const LayerWord& word : words) {
        if (!lines.empty() && lines.back().goes_on_with(word))
            lines.back().add(word);
        else
            lines.emplace_back(word);
    }
    for (LayerLine& line : lines) line.put_in_reading_order();
    return lines;
}

Box joined(const Box& a, const Box& b) {
    return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}

/// In pixels, cut to the page; without area where it lies outside.
Box box_of(const LayerWord& word, double scale, const Box& page) {
    auto pixel = [](double place, int32_t low, int32_t high) {
        return static_cast<int32_t>(std::clamp(place, static_cast<double>(low), static_cast<double>(high)));
    };
    return {pixel(std::floor(word.left * scale), page.left, page.right),
            pixel(std::floor(word.top * scale), page.top, page.bottom),
            pixel(std::ceil(word.right * scale), page.left, page.right),
            pixel(std::ceil(word.bottom * scale), page.top, page.bottom)};
}

Line line_of(const LayerLine& from, double scale, const Box& page) {
    Line line;
    for (const LayerWord* word : from.words) {
        Box box = box_of(*word, scale, page);
        if (box.left >= box.right || box.top >= box.bottom) continue;
        line.box = line.words.empty() ? box : joined(line.box, box);
        line.words.push_back({word->text, box, word->confidence});
    }
    line.confidence = confidence_of(line.words);
    return line;
}

}  // namespace

Layout layout_of(const std::vector<LayerWord>& words, int32_t dpi, const Box& page) {
    double scale = dpi / points_per_inch;
    Layout layout;
    const LayerLine* above = nullptr;
    Span block;
    std::vector<LayerLine> lines = lines_of(words);
    for (const LayerLine& from : lines) {
        Line line = line_of(from, scale, page);
        if (line.words.empty()) continue;
        if (above != nullptr && from.goes_on_under(*above, block)) {
            extend(block, from.span);
            layout.blocks.back().box = joined(layout.blocks.back().box, line.box);
        } else {
            block = from.span;
            layout.blocks.push_back({line.box, {}});
        }
        layout.blocks.back().lines.push_back(std::move(line));
        above = &from;
    }
    return layout;
}

}  // namespace pg_ocr
