#include "recognise/language.h"

#include <algorithm>
#include <string_view>

namespace pg_ocr::recognise {
namespace {

/// Of a component, or, from `inside` on, of the network's.
ModelBytes bytes_of(const ModelFile& file, Component component, size_t inside) {
    if (inside == 0) return ModelBytes(file.component(component).value());
    return ModelBytes(file.component(Component::network).value().subspan(inside));
}

std::optional<Dawg> word_list(const ModelFile& file, Component component) {
    const auto bytes = file.component(component);
    if (!bytes) return std::nullopt;
    return Dawg(ModelBytes(*bytes));
}

}  // namespace

LanguageSettings parse_settings(std::span<const uint8_t> bytes) {
    constexpr std::string_view blanks = " \t\r";
    LanguageSettings settings;
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        const std::string_view name = line.substr(0, line.find_first_of(blanks));
        line.remove_prefix(name.size());
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        const std::string_view value = line.substr(0, line.find('\r'));
        if (name == "tessedit_char_blacklist") settings.forbidden = value;
        if (name == "tessedit_char_whitelist") settings.only = value;
        if (name == "tessedit_char_unblacklist") settings.allowed_again = value;
    }
    return settings;
}

Language parse_language(const ModelFile& file, const Network& network) {
    ModelBytes characters = bytes_of(file, Component::unicharset, network.characters_at);
    ModelBytes codes = bytes_of(file, Component::recoder, network.codes_at);
    const auto settings = file.component(Component::settings);
    return {
        .unicharset = parse_unicharset(characters),
        .recoder = network.recoded ? Recoder::parse(codes, network.classes) : Recoder::pass_through(network.classes),
        .dictionary = {word_list(file, Component::punctuation_words), word_list(file, Component::words),
                       word_list(file, Component::numbers)},
        .settings = settings ? parse_settings(*settings) : LanguageSettings{},
        .classes = network.classes,
        .null_code = network.null_code,
        .simple_text = network.simple_text,
    };
}

}  // namespace pg_ocr::recognise
