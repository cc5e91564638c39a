// What was read on pages, as the text that a PDF shows to nobody and gives to all who search, select and copy.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/pdf/affine.h"
#include "protocol/message.h"

namespace pg_ocr {

/// The characters of a document, numbered from 1 in the order of their first use.
class CharacterNumbers {
  public:
    /// 65,535 at most; whatever comes after them has the number of U+FFFD.
    uint16_t number_of(char32_t);
    /// That with number n at n - 1.
    const std::vector<char32_t>& characters() const { return characters_; }

  private:
    std::vector<char32_t> characters_;
    std::unordered_map<char32_t, uint16_t> numbers_;
};

/// The page's text as it is to be drawn, without its layout, which may be large.
struct DrawnWords {
    PageView view;
    std::string
        content;  ///< PDF operators, in pixels from the lower left corner of the image before it was straightened
};

class TextLayerWriter {
  public:
    /// A page of that number replaces an earlier one. Sizes, boxes and texts may be anything: what is no place on the
    /// page, or no character, is left out.
    void add(const PageLayout&);
    /// By their numbers; pages without a word are not there.
    const std::map<uint32_t, DrawnWords>& pages() const { return pages_; }
    const CharacterNumbers& characters() const { return characters_; }

  private:
    std::map<uint32_t, DrawnWords> pages_;
    CharacterNumbers characters_;
};

/// How the font that the words are set in is called within their content.
inline constexpr std::string_view font_in_content = "/PgOcr";
/// Of that font, in thousandths of its size.
inline constexpr int32_t glyph_width = 500, font_ascent = 800, font_descent = -200;

/// From the content's pixels to the points of a page with this box, which is shown as that image once it is turned.
Affine pixels_to_points(const PageView&, double left, double bottom, double right, double top);

/// The operators that draw the page's words, to stand before all others of its content.
std::string content_of(const DrawnWords&, const Affine& to_points, std::string_view font_name);

}  // namespace pg_ocr
