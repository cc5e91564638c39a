// Text as JSON has it.
#pragma once

#include <string>
#include <string_view>

namespace pg_ocr {

/// Appends the text with quotes around it: valid JSON and valid UTF-8 whatever it holds.
void append_json_string(std::string& json, std::string_view text);

}  // namespace pg_ocr
