// UTF-8, as characters.
#pragma once

#include <string>
#include <string_view>

namespace pg_ocr {

/// The characters; each byte sequence that is not UTF-8, and each NUL, becomes one U+FFFD.
std::u32string characters_of(std::string_view utf8);

void append_utf8(std::string& to, char32_t character);

/// The same text, valid and without NUL, as Postgres demands of text.
std::string valid_utf8(std::string_view);

}  // namespace pg_ocr
