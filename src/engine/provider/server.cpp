#include "engine/provider/server.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <unordered_map>

#include "engine/document_error.h"
#include "engine/layout/ink.h"
#include "engine/read/text_layer.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

constexpr double points_per_inch = 72;

std::string png_of(PIX* pixels, int32_t dpi) {
    pixSetResolution(pixels, dpi, dpi);
    l_uint8* bytes = nullptr;
    size_t size = 0;
    if (pixWriteMemPng(&bytes, &size, pixels, 0) != 0) throw std::bad_alloc();
    const std::unique_ptr<l_uint8, decltype(&std::free)> owner(bytes, &std::free);
    return {reinterpret_cast<const char*>(bytes), size};
}

/// The words of a language, looked up by their text.
class Lexicon {
  public:
    explicit Lexicon(const recognise::Language& language) : language_(language) {
        for (size_t id = 1; id < language.unicharset.unichars.size(); ++id)
            ids_.emplace(language.unicharset.unichars[id].text, static_cast<int32_t>(id));
    }
    bool knows(const std::string& text) const {
        if (language_.dictionary.empty()) return true;
        std::vector<int32_t> ids;
        for (const char32_t character : characters_of(text)) {
            const auto found = ids_.find(utf8_of(character));
            if (found == ids_.end()) return false;
            ids.push_back(found->second);
        }
        const auto is_letter = [&](int32_t id) { return language_.unicharset[id].is_letter; };
        const auto begin = std::ranges::find_if(ids, is_letter);
        while (!ids.empty() && ids.end() > begin && !is_letter(ids.back())) ids.pop_back();
        return begin < ids.end() && language_.dictionary.has_word(language_.unicharset, {begin, ids.end()});
    }

  private:
    static std::string utf8_of(char32_t character) {
        std::string text;
        append_utf8(text, character);
        return text;
    }
    const recognise::Language& language_;
    std::unordered_map<std::string, int32_t> ids_;
};

/// The parts of a text between blanks, each with its share of the box.
void add_words(std::vector<LayerWord>& to, const Word& word) {
    const std::string text = valid_utf8(word.text);
    const double width = word.box.right - word.box.left;
    const auto length = static_cast<double>(text.size());
    for (size_t at = 0; at < text.size();) {
        const size_t begin = text.find_first_not_of(" \t\r\n\f\v", at);
        if (begin == std::string::npos) break;
        const size_t end = std::min(text.find_first_of(" \t\r\n\f\v", begin), text.size());
        LayerWord part;
        part.text = text.substr(begin, end - begin);
        part.left = word.box.left + width * static_cast<double>(begin) / length;
        part.right = word.box.left + width * static_cast<double>(end) / length;
        part.top = word.box.top;
        part.bottom = word.box.bottom;
        part.confidence = word.confidence;
        if (part.left < part.right && part.top < part.bottom) to.push_back(std::move(part));
        at = end;
    }
}

}  // namespace

Layout layout_of_words(const std::vector<Word>& words, const Box& page, const std::vector<const Model*>& models) {
    std::vector<LayerWord> flat;
    for (const Word& word : words) add_words(flat, word);
    Layout layout = layout_of(flat, static_cast<int32_t>(points_per_inch), page);  // a point is a pixel
    std::vector<Lexicon> lexicons;
    lexicons.reserve(models.size());
    for (const Model* model : models) lexicons.emplace_back(model->language);
    for (Block& block : layout.blocks)
        for (Line& line : block.lines)
            for (Word& word : line.words)
                word.is_familiar =
                    std::ranges::any_of(lexicons, [&](const Lexicon& each) { return each.knows(word.text); });
    return layout;
}

Layout read_by_server(const std::string& server, uint32_t page_no, PageImage& image, const std::string& languages,
                      const std::vector<const Model*>& models, const AskServer& ask_server,
                      std::chrono::steady_clock::time_point until) {
    image.ink = black_on_white(image.pixels.get());
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    Ask ask;
    ask.server = server;
    ask.page_no = page_no;
    ask.languages = languages;
    ask.width = pixGetWidth(image.pixels.get());
    ask.height = pixGetHeight(image.pixels.get());
    ask.time_ms = std::max<int64_t>(left.count(), 0);
    ask.image = png_of(image.pixels.get(), image.dpi);
    const ProviderAnswer answer = ask_server(ask);
    if (answer.failure) throw DocumentError(answer.failure);
    return layout_of_words(answer.words, {0, 0, ask.width, ask.height}, models);
}

}  // namespace pg_ocr
