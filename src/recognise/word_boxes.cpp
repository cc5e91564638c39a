#include "recognise/word_boxes.h"

#include <algorithm>
#include <limits>

namespace pg_ocr::recognise {
namespace {

constexpr int32_t least = std::numeric_limits<int16_t>::max();
constexpr Box nothing{least, least, -least, -least};

bool is_empty(const Box& box) { return box.left >= box.right || box.top >= box.bottom; }
int32_t width_of(const Box& box) { return is_empty(box) ? 0 : box.right - box.left; }
int32_t height_of(const Box& box) { return is_empty(box) ? 0 : box.bottom - box.top; }
int32_t middle_of(const Box& box) { return (box.left + box.right) / 2; }

int32_t overlap(const Box& a, const Box& b) {
    if (b.left > a.right || b.right < a.left || b.top > a.bottom || b.bottom < a.top) return 0;
    return width_of(
        {std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right), std::min(a.bottom, b.bottom)});
}

/// Like std::clamp, but from may lie behind to: then what is below from becomes from.
int32_t within(int32_t value, int32_t from, int32_t to) { return value < from ? from : value > to ? to : value; }

Box clipped(const Box& box, const Box& to) {
    if (box.left >= to.left && box.right <= to.right && box.top >= to.top && box.bottom <= to.bottom) return box;
    return {.left = within(box.left, to.left, to.right - 1),
            .top = within(box.top, to.top, to.bottom - 1),
            .right = within(box.right, to.left + 1, to.right),
            .bottom = within(box.bottom, to.top + 1, to.bottom)};
}

/// Where a word may be: the words of the layout that it covers, but its own edge in one that it shares.
Box bounds_of(const Box& word, const Box& before, const Box& after, const std::vector<Box>& layout_words) {
    Box bounds = nothing;
    for (const Box& each : layout_words) {
        const int32_t significant = std::max(std::min(height_of(each), width_of(each) / 2), width_of(each) / 4);
        if (overlap(each, word) <= significant) continue;
        if (overlap(each, before) > significant) {
            bounds.left = word.left;
        } else if (overlap(each, after) > significant) {
            bounds.right = word.right;
        } else {
            bounds = union_of(bounds, each);
        }
    }
    if (height_of(bounds) <= 0) {
        bounds.top = word.top;
        bounds.bottom = word.bottom;
    }
    return width_of(bounds) <= 0 ? word : bounds;
}

/// Between two words: the middle of the widest white there, or halfway where letters touch. Steps tell where letters
/// are, but hardly where they end.
int32_t parting(const LineWord& left, const LineWord& right, const std::vector<Box>& blobs_from_left) {
    const int32_t from = middle_of(left.characters.empty() ? left.word.box : left.characters.back().box);
    const int32_t to = middle_of(right.characters.empty() ? right.word.box : right.characters.front().box);
    int32_t widest = 0, middle = (left.word.box.right + right.word.box.left) / 2, end = from;
    const auto offer = [&](int32_t begin) {
        if (begin - end <= widest) return;
        widest = begin - end;
        middle = end + widest / 2;
    };
    for (const Box& blob : blobs_from_left) {
        if (blob.left > end) offer(std::min(blob.left, to));
        end = std::max(end, blob.right);
        if (end >= to) break;
    }
    return middle;
}

/// Where the blobs of each word may be that are of it as a whole.
std::vector<Box> reaches_of(const std::vector<LineWord>& words, const LineLayout& line) {
    std::vector<Box> blobs = line.blobs;
    std::ranges::sort(blobs, {}, &Box::left);
    std::vector<Box> reaches;
    reaches.reserve(words.size());
    for (const LineWord& word : words) reaches.push_back(union_of(line.box, word.word.box));
    for (size_t w = 1; w < words.size(); ++w)
        reaches[w - 1].right = reaches[w].left = parting(words[w - 1], words[w], blobs);
    return reaches;
}

/// Blobs from left to right, each to be taken once.
class Blobs {
  public:
    explicit Blobs(std::vector<Box> blobs) : blobs_(std::move(blobs)) {
        std::stable_sort(blobs_.begin(), blobs_.end(),
                         [](const Box& a, const Box& b) { return middle_of(a) < middle_of(b); });
    }
    void take_until(int32_t end, const Box& bounds, Box& into) {
        for (; next_ < blobs_.size() && middle_of(blobs_[next_]) < end; ++next_)
            into = union_of(into, clipped(blobs_[next_], bounds));
    }

  private:
    std::vector<Box> blobs_;
    size_t next_ = 0;
};

/// Where each character of a word ends: halfway to the next, by the steps.
std::vector<int32_t> ends_of(const LineWord& word, const Box& bounds) {
    std::vector<int32_t> ends;
    for (size_t i = 0; i + 1 < word.characters.size(); ++i)
        ends.push_back(
            within((word.characters[i].box.right + word.characters[i + 1].box.left) / 2, bounds.left, bounds.right));
    ends.push_back(bounds.right);
    return ends;
}

}  // namespace

void fit_to_blobs(std::vector<LineWord>& words, const LineLayout& line) {
    Blobs blobs(line.blobs), specks(line.specks);
    const std::vector<Box> reaches = line.has_whole_letters ? reaches_of(words, line) : std::vector<Box>();
    Box bounds = nothing;
    for (size_t w = 0; w < words.size(); ++w) {
        LineWord& word = words[w];
        if (word.characters.empty()) continue;
        const Box& after = w + 1 < words.size() ? words[w + 1].word.box : nothing;
        bounds = line.has_whole_letters ? reaches[w] : bounds_of(word.word.box, bounds, after, line.words);
        const std::vector<int32_t> ends = ends_of(word, bounds);
        Box of_ink = nothing, of_steps = nothing;
        for (size_t i = 0; i < word.characters.size(); ++i) {
            Box ink = nothing;
            blobs.take_until(ends[i], bounds, ink);
            specks.take_until(ends[i], bounds, ink);
            Box& box = word.characters[i].box;
            if (is_empty(ink)) {
                box = clipped(box, bounds);
                of_steps = union_of(of_steps, box);
            } else {
                box = ink;
                of_ink = union_of(of_ink, ink);
            }
        }
        // Steps are as high as the line: where letters touch, the one without ink of its own makes the word no higher.
        word.word.box = line.has_whole_letters && !is_empty(of_ink) ? of_ink : union_of(of_ink, of_steps);
    }
}

}  // namespace pg_ocr::recognise
