#include "engine/write/utf8.h"

#include <cstddef>
#include <cstdint>

namespace pg_ocr {
namespace {

constexpr char32_t replacement = 0xfffd;

struct Decoded {
    char32_t character = replacement;
    size_t length = 1;  ///< bytes taken
};

Decoded decode_at(std::string_view text, size_t at) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
    uint8_t lead = byte(0);
    if (lead == 0) return {};
    if (lead < 0x80) return {lead, 1};
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) return {};
    char32_t character = lead & (0x7f >> length);
    for (size_t i = 1; i < length; ++i) {
        if (at + i >= text.size() || (byte(i) & 0xc0) != 0x80) return {replacement, i};
        character = character << 6 | (byte(i) & 0x3f);
    }
    constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = character >= 0xd800 && character < 0xe000;
    if (character < smallest[length] || surrogate || character > 0x10ffff) return {replacement, length};
    return {character, length};
}

}  // namespace

std::u32string characters_of(std::string_view utf8) {
    std::u32string characters;
    characters.reserve(utf8.size());
    for (size_t at = 0; at < utf8.size();) {
        Decoded decoded = decode_at(utf8, at);
        characters += decoded.character;
        at += decoded.length;
    }
    return characters;
}

void append_utf8(std::string& to, char32_t c) {
    auto append = [&to](char32_t byte) { to += static_cast<char>(byte); };
    if (c < 0x80) {
        append(c);
    } else if (c < 0x800) {
        append(0xc0 | c >> 6);
        append(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        append(0xe0 | c >> 12);
        append(0x80 | (c >> 6 & 0x3f));
        append(0x80 | (c & 0x3f));
    } else {
        append(0xf0 | c >> 18);
        append(0x80 | (c >> 12 & 0x3f));
        append(0x80 | (c >> 6 & 0x3f));
        append(0x80 | (c & 0x3f));
    }
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    for (char32_t character : characters_of(text)) append_utf8(valid, character);
    return valid;
}

}  // namespace pg_ocr
