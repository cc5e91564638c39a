// How bytes are written where only some are allowed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pg_ocr::http {

/// All but A-Z a-z 0-9 - . _ ~, and the bytes of `kept`, as %XX: what both URLs and signatures mean by it.
std::string percent_encode(std::string_view bytes, std::string_view kept = "");
/// %XX as its byte; `+` as a space where `plus_is_space`. What is no escape stays as it is.
std::string percent_decode(std::string_view text, bool plus_is_space = false);
std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);
/// Nothing: it is not base64.
std::optional<std::string> from_base64(std::string_view text);
std::string lower_case(std::string_view text);  ///< of ASCII
/// What a stranger sent, to be shown: well-formed UTF-8 of at most so many bytes. Control characters are spaces.
std::string printable(std::string_view bytes, size_t most);
/// The same, with line breaks and tabs as they are, for what is kept as it came.
std::string as_text(std::string_view bytes, size_t most);
/// Whether it is well-formed UTF-8 without NUL.
bool is_utf8(std::string_view bytes);

}  // namespace pg_ocr::http
