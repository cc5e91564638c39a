#include "recognise/words.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pg_ocr::recognise {
namespace {

constexpr float certainty_scale = 7;

/// Letters of private use, as the models have them, for ligatures that Unicode lacks.
constexpr std::pair<std::string_view, std::string_view> private_ligatures[] = {
    {"\uE003", "ct"}, {"\uE006", "ſh"}, {"\uE007", "ſi"}, {"\uE008", "ſl"}, {"\uE009", "ſſ"}};

std::string_view text_of(const Unichar& unichar) {
    for (const auto& [letter, text] : private_ligatures)
        if (unichar.text == letter) return text;
    return unichar.text;
}

/// A character on the path, and what lies between it and its neighbours.
struct Found {
    int32_t unichar;
    uint32_t first_step;
    uint32_t end_step;
    float certainty;
    float rating;
};

struct Sum {
    double certainty = 0;
    double rating = 0;
    void add(const PathStep& step) {
        certainty = std::min(certainty, static_cast<double>(step.certainty));
        rating -= static_cast<double>(step.certainty);
    }
    void add_to(Found& found) const {
        if (certainty < static_cast<double>(found.certainty)) found.certainty = static_cast<float>(certainty);
        found.rating = static_cast<float>(static_cast<double>(found.rating) + rating);
    }
};

std::vector<Found> characters_on(std::span<const PathStep> path) {
    std::vector<Found> characters;
    for (uint32_t step = 0; step < path.size();) {
        Sum sum;
        while (step < path.size() && path[step].unichar == no_unichar) sum.add(path[step++]);
        if (step == path.size()) {
            if (!characters.empty()) sum.add_to(characters.back());
            break;
        }
        const PathStep& first = path[step];
        const bool is_space = first.unichar == space_unichar;
        // What precedes a space belongs to the character before it, but for one that leads to a word: there it is
        // weighed otherwise than the space itself.
        if (is_space && !characters.empty() && first.source != WordSource::none) {
            sum.add_to(characters.back());
            sum = {};
        }
        Found found{first.unichar, step, 0, 0, 0};
        do {
            const PathStep& here = path[step++];
            sum.add(here);
            if (is_space && here.source == WordSource::none) sum.certainty = static_cast<double>(here.certainty);
        } while (step < path.size() && path[step].duplicate);
        found.end_step = step;
        found.certainty = static_cast<float>(sum.certainty);
        found.rating = static_cast<float>(sum.rating);
        characters.push_back(found);
    }
    return characters;
}

/// Where each character begins, and where the last ends: halfway between the steps of two.
std::vector<uint32_t> boundaries_of(std::span<const Found> characters, size_t steps) {
    std::vector<uint32_t> boundaries(1, 0);
    for (size_t i = 1; i < characters.size(); ++i) {
        const uint32_t end = characters[i - 1].end_step;
        boundaries.push_back(end + (characters[i].first_step - end) / 2);
    }
    boundaries.push_back(static_cast<uint32_t>(steps));
    return boundaries;
}

/// As the page's coordinates are 16 bits wide, in Tesseract, so is a distance within a line.
int32_t pixels(float distance) {
    return std::isfinite(distance) ? static_cast<int32_t>(std::clamp(distance, -32768.0f, 32767.0f)) : 0;
}

Box box_between(uint32_t from, uint32_t to, const LineFrame& frame) {
    return {.left = frame.box.left + pixels(std::floor(static_cast<float>(from) * frame.step_width)),
            .top = frame.box.top,
            .right = frame.box.left + pixels(std::ceil(static_cast<float>(to) * frame.step_width)),
            .bottom = frame.box.bottom};
}

class Words {
  public:
    Words(std::span<const PathStep> path, const Language& language, const LineFrame& frame)
        : path_(path),
          language_(language),
          frame_(frame),
          found_(characters_on(path)),
          boundaries_(boundaries_of(found_, path.size())) {}

    std::vector<LineWord> all() const {
        std::vector<LineWord> words;
        float space_before = 0;
        for (size_t from = 0; from < found_.size();) {
            const size_t to = end_of_word(from);
            const bool space_follows = to < found_.size() && is_space(to);
            const float space_after = space_follows ? found_[to].certainty : 0;
            words.push_back(word(from, to, std::min(space_after, space_before)));
            space_before = space_after;
            from = to + space_follows;
        }
        return words;
    }

  private:
    bool is_space(size_t index) const { return found_[index].unichar == space_unichar; }
    bool is_spaced(size_t index) const { return language_.unicharset[found_[index].unichar].spaced_script; }
    const PathStep& step_of(size_t index) const { return path_[found_[index].first_step]; }

    size_t end_of_word(size_t from) const {
        for (size_t i = from + 1; i < found_.size(); ++i) {
            if (is_space(i) || step_of(i).begins_word) return i;
            // Outside of the dictionary, a character of a script without spaces is a word of its own.
            if (step_of(i).source == WordSource::scores && (!is_spaced(i) || !is_spaced(i - 1))) return i;
        }
        return found_.size();
    }

    LineWord word(size_t from, size_t to, float space_certainty) const {
        LineWord word;
        float certainty = std::numeric_limits<float>::max();
        bool is_blank = true;
        std::vector<int32_t> unichars;
        for (size_t i = from; i < to; ++i) {
            const Found& found = found_[i];
            const Unichar& unichar = language_.unicharset[found.unichar];
            word.characters.push_back({found.unichar, std::string(text_of(unichar)), unichar.direction, found.certainty,
                                       found.rating, found.first_step, found.end_step - 1,
                                       box_between(boundaries_[i], boundaries_[i + 1], frame_)});
            const Character& character = word.characters.back();
            word.word.text += character.text;
            word.word.box = i == from ? character.box : union_of(word.word.box, character.box);
            certainty = std::min(certainty, found.certainty);
            word.rating += found.rating;
            is_blank &= found.unichar == space_unichar;
            unichars.push_back(found.unichar);
        }
        word.certainty = std::min(space_certainty, certainty) * certainty_scale;
        word.word.confidence = std::clamp(100 + 5 * word.certainty, 0.0f, 100.0f);
        word.source = step_of(to - 1).source;
        word.spaces_before = from > 0 && is_space(from - 1) ? 1 : 0;
        word.is_blank = is_blank;
        word.is_accepted = word.certainty > needed_certainty(unichars);
        return word;
    }

    /// The longer a word of the dictionary, the less certain need it be.
    float needed_certainty(std::span<const int32_t> unichars) const {
        float needed = -2.5f;
        if (!language_.dictionary.has_word(language_.unicharset, unichars) || !is_of_one_case(unichars)) return needed;
        return needed - 0.5f * static_cast<float>(std::max(shortest_run_of_letters(unichars) - 2, 0));
    }

    int32_t shortest_run_of_letters(std::span<const int32_t> unichars) const {
        int32_t shortest = 0, run = 0;
        const auto end_run = [&] {
            if (run > 0 && (shortest == 0 || run < shortest)) shortest = run;
            run = 0;
        };
        for (const int32_t unichar : unichars) {
            if (language_.unicharset[unichar].is_letter)
                ++run;
            else
                end_run();
        }
        end_run();
        return shortest;
    }

    /// Not as in 'wORD', 'WOrd', '4word' or a small letter that stands alone.
    bool is_of_one_case(std::span<const int32_t> unichars) const {
        enum State { between, capital, small, capitals, digits, first_small };
        State state = between;
        for (const int32_t id : unichars) {
            const Unichar& unichar = language_.unicharset[id];
            if (unichar.is_upper) {
                if (state == small || state == digits || state == first_small) return false;
                state = state == between ? capital : capitals;
            } else if (unichar.is_lower) {
                if (state == capitals || state == digits) return false;
                state = state == between ? first_small : small;
            } else if (unichar.is_digit) {
                if (state == small || state == first_small) return false;
                state = digits;
            } else if (state != first_small) {
                state = between;
            }
        }
        return state != first_small;
    }

    std::span<const PathStep> path_;
    const Language& language_;
    const LineFrame& frame_;
    std::vector<Found> found_;
    std::vector<uint32_t> boundaries_;
};

}  // namespace

Box union_of(const Box& a, const Box& b) {
    return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right), std::max(a.bottom, b.bottom)};
}

std::vector<LineWord> words_of(std::span<const PathStep> path, const Language& language, const LineFrame& frame) {
    return Words(path, language, frame).all();
}

LineWord blank_word(const Box& box, size_t blobs) {
    constexpr float rating_of_blob = 10;
    LineWord word;
    word.word.box = box;
    word.certainty = blobs > 0 ? -1 : std::numeric_limits<float>::lowest();
    word.rating = blobs > 0 ? rating_of_blob * static_cast<float>(blobs) : 100000;
    word.source = WordSource::scores;
    word.is_blank = true;
    return word;
}

}  // namespace pg_ocr::recognise
