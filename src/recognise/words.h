// The words of a line, from the best path through its scores.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "document/document.h"
#include "recognise/beam_search.h"
#include "recognise/language.h"

namespace pg_ocr::recognise {

struct Character {
    int32_t unichar = no_unichar;
    std::string text;  ///< UTF-8
    Direction direction = Direction::left_to_right;
    float certainty = 0;  ///< logarithm of the probability of its worst step, as weighed by the search
    float rating = 0;     ///< sum of them, negated
    uint32_t first_step = 0;
    uint32_t last_step = 0;
    Box box;
};

struct LineWord {
    /// The text from left to right, also of a script that is read from right to left (see reading_order.h); the box of
    /// its characters; the confidence, 0 to 100, that Tesseract's iterator tells.
    Word word;
    std::vector<Character> characters;
    float certainty = 0;  ///< seven times that of its worst character or of a space beside it
    float rating = 0;     ///< of all its characters
    WordSource source = WordSource::none;
    uint32_t spaces_before = 0;
    uint32_t language = 0;     ///< which of several
    bool is_accepted = false;  ///< good enough that no other language is tried
    bool is_blank = false;     ///< holds nothing but spaces, or stands for a line that nothing was read in
};

/// Where a line is, in pixels: of the part of the page that its image was cut from, and per step of its scores.
struct LineFrame {
    Box box;
    float step_width = 1;
};

/// From left to right. Boxes are as high as the line, and as wide as the steps say.
std::vector<LineWord> words_of(std::span<const PathStep>, const Language&, const LineFrame&);

/// What stands for words where none was read.
LineWord blank_word(const Box&, size_t blobs);

Box union_of(const Box&, const Box&);

}  // namespace pg_ocr::recognise
