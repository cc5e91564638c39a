// A font without anything to see: every character is an empty glyph, half as wide as the font is high. What the
// characters mean is in its map to Unicode.
#pragma once

#include <string>
#include <vector>

#include "engine/pdf/qpdf.h"

namespace pg_ocr {

/// A Type 0 font whose code n, of two bytes, is character n - 1 of these; an indirect object of the PDF.
QPDFObjectHandle glyphless_font(QPDF&, const std::vector<char32_t>& characters);

/// The TrueType file that is embedded: two empty glyphs.
std::string glyphless_font_file();

/// The CMap that says what the codes mean.
std::string map_to_unicode(const std::vector<char32_t>& characters);

}  // namespace pg_ocr
