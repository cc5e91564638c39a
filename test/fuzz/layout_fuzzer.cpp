// A text layer's words, with any text at any place, until they are text and JSON for PostgreSQL.
#include <cmath>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "engine/read/text_layer.h"
#include "engine/write/layout_json.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"
#include "fuzz/promise.h"

using namespace pg_ocr;

namespace {

/// Takes from the front of the input; gives zeros once it is spent.
class Input {
  public:
    Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
    bool empty() const { return left_ == 0; }
    uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }
    /// A place on the page, near it, or anywhere; always a number, as layer_words() promises.
    double place() {
        uint8_t how = byte();
        if (how < 0xf0) return how * 0.5;
        double value = 0;
        size_t length = std::min(left_, sizeof(value));
        std::memcpy(&value, data_, length);
        data_ += length;
        left_ -= length;
        return std::isfinite(value) ? value : 0;
    }
    std::string text() {
        size_t length = std::min<size_t>(left_, byte() % 16);
        length = std::min(length, left_);
        std::string value(reinterpret_cast<const char*>(data_), length);
        data_ += length;
        left_ -= length;
        return value;
    }

  private:
    const uint8_t* data_;
    size_t left_;
};

/// As PostgreSQL reads it: no NUL, nothing overlong, no surrogates.
bool is_valid_utf8(const std::string& text) { return valid_utf8(text) == text && text.find('\0') == std::string::npos; }

/// A reader of JSON that knows the grammar and keeps nothing.
class Json {
  public:
    explicit Json(const std::string& text) : at_(text.c_str()) {}
    bool is_valid() { return value() && *at_ == '\0'; }

  private:
    bool take(char c) { return *at_ == c && ++at_; }
    bool list(char end, bool with_names) {
        if (take(end)) return true;
        do
            if ((with_names && !(string() && take(':'))) || !value()) return false;
        while (take(','));
        return take(end);
    }
    bool string() {
        if (!take('"')) return false;
        for (; *at_ != '"'; ++at_) {
            if (static_cast<unsigned char>(*at_) < 0x20) return false;
            if (*at_ == '\\' && std::strchr("\"\\u", *++at_) == nullptr) return false;
        }
        return take('"');
    }
    bool number() {
        char* end = nullptr;
        std::strtod(at_, &end);
        bool digit = *at_ >= '0' && *at_ <= '9';
        at_ = end;
        return digit;
    }
    bool value() {
        return take('{') ? list('}', true) : take('[') ? list(']', false) : *at_ == '"' ? string() : number();
    }
    const char* at_;
};

bool lies_within(const pg_ocr::Box& box, const pg_ocr::Box& page) {
    return box.left >= page.left && box.top >= page.top && box.right <= page.right && box.bottom <= page.bottom &&
           box.left < box.right && box.top < box.bottom;
}

void check(const Layout& layout, const pg_ocr::Box& page) {
    for (const Block& block : layout.blocks) {
        promise(!block.lines.empty() && lies_within(block.box, page), "a block has lines, on the page");
        for (const Line& line : block.lines) {
            promise(!line.words.empty() && lies_within(line.box, page), "a line has words, on the page");
            for (const Word& word : line.words) promise(lies_within(word.box, page), "a word lies on the page");
        }
    }
    std::string json = layout_json(layout);
    promise(is_valid_utf8(json) && Json(json).is_valid(), "a layout is JSON that PostgreSQL accepts");
    promise(is_valid_utf8(page_text(layout)), "a text is one that PostgreSQL accepts");
    float confidence = confidence_of(layout);
    promise(confidence == -1 || (confidence >= 0 && confidence <= 100), "a confidence is one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    std::vector<LayerWord> words;
    while (!input.empty() && words.size() < 100) {
        LayerWord word;
        std::string raw = input.text();
        word.text = valid_utf8(trimmed(raw));
        promise(is_valid_utf8(word.text), "valid text is valid");
        promise(is_valid_utf8(layout_json({{{{}, {{{}, 50, {{raw, {}, 50, false}}}}}}, {}})),
                "no text breaks the JSON");
        word.left = input.place(), word.top = input.place(), word.right = input.place(), word.bottom = input.place();
        word.turn = input.byte() & 3;
        if (!word.text.empty()) words.push_back(word);
    }
    constexpr int32_t dpi = 72, side = 64;
    is_garbled(words);
    check(layout_of(words, dpi, {0, 0, side, side}), {0, 0, side, side});
    Pixels page(pixCreate(side, side, 8));
    if (!page) throw std::bad_alloc();
    pixSetAll(page.get());
    coverage_of(words, page.get(), dpi);
    return 0;
}
