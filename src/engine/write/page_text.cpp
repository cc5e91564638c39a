#include "engine/write/page_text.h"

#include <algorithm>

#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

/// Han, kana and their punctuation: written without spaces.
bool is_unspaced(char32_t c) {
    return (c >= 0x2e80 && c <= 0x312f) || (c >= 0x31a0 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xff00 && c <= 0xffef) || (c >= 0x20000 && c <= 0x3ffff);
}

size_t length_of(std::string_view utf8) {
    return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

class WeightedMean {
  public:
    void add(const std::vector<Word>& words) {
        for (const Word& word : words) {
            auto weight = static_cast<double>(length_of(word.text));
            sum_ += weight * static_cast<double>(word.confidence);
            weights_ += weight;
        }
    }
    float value() const { return weights_ > 0 ? static_cast<float>(sum_ / weights_) : -1; }

  private:
    double sum_ = 0, weights_ = 0;
};

void append_line(std::string& text, const Line& line) {
    char32_t before = 0;
    for (const Word& word : line.words) {
        std::u32string characters = characters_of(word.text);
        if (characters.empty()) continue;
        if (before != 0 && is_space_between(before, characters.front())) text += ' ';
        text += word.text;
        before = characters.back();
    }
    text += '\n';
}

}  // namespace

bool is_space_between(char32_t before, char32_t after) { return !is_unspaced(before) || !is_unspaced(after); }

std::string page_text(const Layout& layout) {
    std::string text;
    for (const Block& block : layout.blocks) {
        if (!text.empty()) text += '\n';
        for (const Line& line : block.lines) append_line(text, line);
    }
    return text;
}

float confidence_of(const std::vector<Word>& words) {
    WeightedMean mean;
    mean.add(words);
    return mean.value();
}

float confidence_of(const Layout& layout) {
    WeightedMean mean;
    for (const Block& block : layout.blocks)
        for (const Line& line : block.lines) mean.add(line.words);
    return mean.value();
}

uint32_t word_count(const Layout& layout) {
    size_t count = 0;
    for (const Block& block : layout.blocks)
        for (const Line& line : block.lines) count += line.words.size();
    return static_cast<uint32_t>(count);
}

std::string_view trimmed(std::string_view utf8) {
    constexpr std::string_view white_space = " \t\n\v\f\r";
    size_t begin = utf8.find_first_not_of(white_space);
    if (begin == std::string_view::npos) return {};
    return utf8.substr(begin, utf8.find_last_not_of(white_space) - begin + 1);
}

}  // namespace pg_ocr
