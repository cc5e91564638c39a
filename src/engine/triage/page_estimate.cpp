#include "engine/triage/page_estimate.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <string>
#include <vector>

#include "engine/read/pixels.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

/// Not punctuation and symbols, which what is no text is often taken for.
bool is_letter(char32_t c) {
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_symbol =
        c < 0xc0 || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c < 0x2c00) || (c >= 0x3000 && c < 0x3040) || c == 0xfffd;
    return !is_symbol;
}

/// In confidence, 0 to 100.
constexpr float doubtful_below = 70;
constexpr int32_t letters_of_a_long_word = 3;

/// Of the line's height, which is its words' median: what may be a letter.
constexpr double lowest_letter = 0.4, highest_letter = 1.6, widest_letter = 3;

class Survey {
  public:
    explicit Survey(const Layout& layout) {
        for (const Block& block : layout.blocks)
            for (const Line& line : block.lines)
                for (const Word& word : line.words) add(word, line);
        if (signs_.words > 0) signs_.certainty = sum_ / (100.0 * signs_.words);
    }

    PageSigns with_ink(PIX* ink) {
        Pixels rest(pixCopy(nullptr, ink));
        if (!rest) throw std::bad_alloc();
        for (const Box& box : boxes_)
            pixRasterop(rest.get(), box.left, box.top, box.right - box.left, box.bottom - box.top, PIX_CLR, nullptr, 0,
                        0);
        l_int32 dark = 0;
        pixCountPixels(rest.get(), &dark, nullptr);
        signs_.dark = dark / (static_cast<double>(pixGetWidth(ink)) * pixGetHeight(ink));
        const double unread = dark > 0 ? letters_in(rest.get()) : 0;
        if (unread > 0) signs_.unread = unread / (characters_ + unread);
        return signs_;
    }

  private:
    void add(const Word& word, const Line& line) {
        int32_t letters = 0, digits = 0;
        const std::u32string characters = characters_of(word.text);
        for (const char32_t c : characters) {
            letters += is_letter(c) ? 1 : 0;
            digits += is_digit(c) ? 1 : 0;
        }
        characters_ += static_cast<double>(characters.size());
        boxes_.push_back(word.box);
        const bool runs_down = line.box.bottom - line.box.top > line.box.right - line.box.left;
        heights_.push_back(runs_down ? word.box.right - word.box.left : word.box.bottom - word.box.top);
        if (letters + digits == 0) return;
        ++signs_.words;
        sum_ += static_cast<double>(word.confidence);
        signs_.doubtful += word.confidence < doubtful_below ? 1 : 0;
        if (letters < letters_of_a_long_word) return;
        ++signs_.long_words;
        signs_.familiar += word.is_familiar ? 1 : 0;
    }

    int32_t letters_in(PIX* rest) {
        if (heights_.empty()) return 0;
        const auto middle = heights_.begin() + static_cast<ptrdiff_t>(heights_.size() / 2);
        std::nth_element(heights_.begin(), middle, heights_.end());
        const double height = *middle;
        BOXA* boxes = pixConnCompBB(rest, 8);
        if (boxes == nullptr) return 0;
        int32_t letters = 0;
        for (l_int32 i = 0; i < boxaGetCount(boxes); ++i) {
            l_int32 across = 0, down = 0;
            boxaGetBoxGeometry(boxes, i, nullptr, nullptr, &across, &down);
            letters +=
                down >= lowest_letter * height && down <= highest_letter * height && across <= widest_letter * height
                    ? 1
                    : 0;
        }
        boxaDestroy(&boxes);
        return letters;
    }

    PageSigns signs_;
    double sum_ = 0, characters_ = 0;
    std::vector<Box> boxes_;
    std::vector<int32_t> heights_;
};

double log_odds(double share) {
    constexpr double nearest = 0.01;  // to none and to all
    share = std::clamp(share, nearest, 1 - nearest);
    return std::log(share / (1 - share));
}

}  // namespace

PageSigns signs_of(const Layout& layout, PIX* ink) { return Survey(layout).with_ink(ink); }

// A logistic regression, fitted on 490 readings of pages with truth; docs/results.md says what it is worth on others,
// and test/bench/triage what it is on yours. Shares of words are drawn towards a little doubt, as few words say little.
float estimate_of(const PageSigns& signs) {
    const double words = std::max(1u, signs.words), doubtful = signs.words == 0 ? 1 : signs.doubtful;
    const double doubt = (doubtful + 0.5) / (words + 2);
    const double familiar = (signs.familiar + 3.2) / (signs.long_words + 4.0);
    const double odds = 0.56 * log_odds(signs.certainty) - 0.40 * std::log(doubt / (1 - doubt)) + 0.90 * familiar -
                        3.90 * signs.unread - 3.93 * signs.dark - 0.47;
    return static_cast<float>(100 / (1 + std::exp(-odds)));
}

float estimate_of_text_layer(float uncovered) {
    constexpr float usual = 0.15f;  // of sound pages, as drawings and tables may look like text; see text_layer.cpp
    return uncovered <= usual ? 100 : 100 * (1 - uncovered);
}

}  // namespace pg_ocr
