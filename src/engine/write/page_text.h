// A layout as plain text, and how sure it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "document/document.h"

namespace pg_ocr {

/// Lines ended by '\n', blocks parted by an empty line; words parted by a space, save where both sides are Chinese or
/// Japanese characters.
std::string page_text(const Layout&);

/// Whether a word that ends in this character is parted by a space from the next, which begins with that one.
bool is_space_between(char32_t before, char32_t after);

/// The mean of the words' confidences, weighted by their length in characters; -1 without words.
float confidence_of(const std::vector<Word>&);
float confidence_of(const Layout&);

uint32_t word_count(const Layout&);

/// Without white space at its ends.
std::string_view trimmed(std::string_view utf8);

}  // namespace pg_ocr
