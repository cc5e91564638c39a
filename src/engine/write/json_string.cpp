#include "engine/write/json_string.h"

#include "engine/write/utf8.h"

namespace pg_ocr {

void append_json_string(std::string& json, std::string_view text) {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    json += '"';
    for (char32_t c : characters_of(text)) {
        if (c == '"' || c == '\\') {
            json += '\\';
            json += static_cast<char>(c);
        } else if (c < 0x20) {
            json += "\\u00";
            json += hexadecimal[c >> 4];
            json += hexadecimal[c & 15];
        } else {
            append_utf8(json, c);
        }
    }
    json += '"';
}

}  // namespace pg_ocr
