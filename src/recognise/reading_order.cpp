#include "recognise/reading_order.h"

#include <algorithm>
#include <string_view>

namespace pg_ocr::recognise {
namespace {

constexpr std::string_view left_to_right_mark = "\u200E";
constexpr std::string_view right_to_left_mark = "\u200F";

enum class Run : uint8_t { neutral, left_to_right, right_to_left, mixed };

Run direction_of(const LineWord& word) {
    bool left = false, right = false;
    for (const Character& character : word.characters) {
        left |=
            character.direction == Direction::right_to_left || character.direction == Direction::right_to_left_arabic;
        right |= character.direction == Direction::left_to_right || character.direction == Direction::arabic_number;
    }
    return left && right ? Run::mixed : left ? Run::right_to_left : right ? Run::left_to_right : Run::neutral;
}

Run direction_of(const std::vector<LineWord>& line) {
    Run all = Run::neutral;
    for (const LineWord& word : line) {
        const Run run = direction_of(word);
        if (run == Run::neutral || run == all) continue;
        all = all == Run::neutral ? run : Run::mixed;
    }
    return all;
}

/// A number with its separators and signs is one, read from left to right.
void join_numbers(std::vector<Direction>& directions) {
    constexpr auto number = Direction::european_number;
    const size_t count = directions.size();
    for (size_t i = 0; i + 2 < count; ++i)
        if (directions[i] == number && directions[i + 2] == number &&
            (directions[i + 1] == Direction::european_number_separator ||
             directions[i + 1] == Direction::common_number_separator))
            directions[i + 1] = number;
    for (size_t i = 0; i < count; ++i) {
        if (directions[i] != Direction::european_number_terminator) continue;
        size_t end = i + 1;
        while (end < count && directions[end] == Direction::european_number_terminator) ++end;
        const bool precedes_number = end < count && directions[end] == number;
        const bool follows_number = i > 0 && directions[i - 1] == number;
        if (precedes_number) std::fill_n(&directions[i], end - i, number);
        if (follows_number) directions[i] = number;
    }
}

/// Which of a word's characters are read from left to right within a context that runs the other way.
std::vector<bool> left_to_right_parts(const LineWord& word) {
    std::vector<Direction> directions;
    for (const Character& character : word.characters) directions.push_back(character.direction);
    join_numbers(directions);
    const auto is_forward = [](Direction d) {
        return d == Direction::left_to_right || d == Direction::european_number;
    };
    const auto may_join = [](Direction d) {
        return d == Direction::common_number_separator || d == Direction::other_neutral;
    };
    std::vector<bool> forward(directions.size(), false);
    for (size_t i = 0; i < directions.size(); ++i) {
        if (!is_forward(directions[i])) continue;
        size_t last = i;
        for (size_t j = i + 1; j < directions.size() && (is_forward(directions[j]) || may_join(directions[j])); ++j)
            if (is_forward(directions[j])) last = j;
        for (; i < last; ++i) forward[i] = true;
        forward[last] = true;
    }
    return forward;
}

std::string text_from_right_to_left(const LineWord& word) {
    const std::vector<bool> forward = left_to_right_parts(word);
    std::string text;
    for (size_t end = forward.size(); end > 0;) {
        size_t from = end - 1;
        while (forward[end - 1] && from > 0 && forward[from - 1]) --from;
        for (size_t i = from; i < end; ++i) text += word.characters[i].text;
        end = from;
    }
    return text;
}

/// Words of a line one after the other, of which some are a run against the direction of the paragraph.
struct Turn {
    std::vector<size_t> words;
    bool is_against = false;
    bool is_trailing = false;  ///< at the right end of a line from right to left
};

class LineOrder {
  public:
    LineOrder(const std::vector<LineWord>& line, bool left_to_right) : left_to_right_(left_to_right) {
        for (const LineWord& word : line) directions_.push_back(direction_of(word));
        if (!left_to_right) take_trailing_run();
        order_rest();
    }
    const std::vector<Turn>& turns() const { return turns_; }
    bool turns_after(size_t turn) const { return turn + 1 < turns_.size() && turns_[turn + 1].is_against; }
    bool is_mixed(size_t word) const { return directions_[word] == Run::mixed; }

  private:
    size_t at(size_t place) const { return left_to_right_ ? place : left_ - 1 - place; }

    /// Neutral words at the right end of a line from right to left, next to one from left to right, belong to it.
    void take_trailing_run() {
        left_ = directions_.size();
        if (directions_.empty() || directions_.back() != Run::neutral) return;
        size_t last = directions_.size() - 1;
        while (last > 0 && directions_[last] == Run::neutral) --last;
        if (directions_[last] != Run::left_to_right) return;
        size_t first = last;
        for (size_t i = last + 1; i-- > 0 && directions_[i] != Run::right_to_left;)
            if (directions_[i] == Run::left_to_right) first = i;
        Turn run{{}, true, true};
        for (size_t i = first; i < directions_.size(); ++i) run.words.push_back(i);
        turns_.push_back(std::move(run));
        left_ = first;
    }

    void order_rest() {
        if (left_to_right_) left_ = directions_.size();
        const Run major = left_to_right_ ? Run::left_to_right : Run::right_to_left;
        const Run minor = left_to_right_ ? Run::right_to_left : Run::left_to_right;
        for (size_t place = 0; place < left_;) {
            if (directions_[at(place)] != minor) {
                turns_.push_back({{at(place)}, false, false});
                ++place;
                continue;
            }
            size_t end = place;
            for (size_t i = place; i < left_ && directions_[at(i)] != major; ++i)
                if (directions_[at(i)] == minor) end = i;
            Turn run{{}, true, false};
            for (size_t i = end + 1; i-- > place;) run.words.push_back(at(i));
            turns_.push_back(std::move(run));
            place = end + 1;
        }
    }

    bool left_to_right_;
    std::vector<Run> directions_;
    size_t left_ = 0;  ///< words from the left that are still to be ordered
    std::vector<Turn> turns_;
};

}  // namespace

bool runs_left_to_right(std::span<const std::vector<LineWord>> paragraph) {
    if (paragraph.empty() || paragraph.front().empty()) return true;
    const std::vector<LineWord>& first = paragraph.front();
    if (direction_of(first.front()) == Run::right_to_left) return false;
    if (direction_of(first.back()) == Run::left_to_right) return true;
    size_t left_to_right = 0, right_to_left = 0;
    for (const std::vector<LineWord>& line : paragraph) {
        for (const LineWord& word : line) {
            left_to_right += direction_of(word) == Run::left_to_right;
            right_to_left += direction_of(word) == Run::right_to_left;
        }
    }
    return left_to_right >= right_to_left;
}

std::vector<bool> directions_of_paragraphs(std::span<const std::vector<LineWord>> block) {
    std::vector<bool> left_to_right;
    for (size_t begin = 0, end = 0; begin < block.size(); begin = end) {
        Run direction = Run::neutral;
        for (; end < block.size(); ++end) {
            Run run = direction_of(block[end]);
            // Few lines that run from left to right end in words that run the other way.
            if (run == Run::mixed && direction == Run::left_to_right && !runs_left_to_right(block.subspan(end, 1)))
                run = Run::right_to_left;
            if (run == Run::neutral || run == Run::mixed) continue;
            if (direction != Run::neutral && run != direction) break;
            direction = run;
        }
        left_to_right.resize(end, runs_left_to_right(block.subspan(begin, end - begin)));
    }
    return left_to_right;
}

std::vector<Word> in_reading_order(const std::vector<LineWord>& line, bool left_to_right) {
    std::vector<Word> words;
    const std::string_view back = left_to_right ? left_to_right_mark : right_to_left_mark;
    const std::string_view turned = left_to_right ? right_to_left_mark : left_to_right_mark;
    const LineOrder order(line, left_to_right);
    for (size_t i = 0; i < order.turns().size(); ++i) {
        const Turn& turn = order.turns()[i];
        for (const size_t index : turn.words) {
            const LineWord& from = line[index];
            Word word = from.word;
            if (left_to_right == turn.is_against) word.text = text_from_right_to_left(from);
            if (turn.is_against && index == turn.words.front()) word.text.insert(0, turned);
            const bool turns_back = turn.is_against && index == turn.words.back();
            const bool is_mixed = order.is_mixed(index);
            if (!turns_back && turn.is_trailing && is_mixed)
                word.text += turned;
            else if (turns_back || (!turn.is_against && is_mixed && !order.turns_after(i)))
                word.text += back;
            words.push_back(std::move(word));
        }
    }
    return words;
}

}  // namespace pg_ocr::recognise
