// The characters of a model: what each of its ids stands for, from a component of text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "recognise/model_file.h"

namespace pg_ocr::recognise {

/// The bidirectional class of a character, in the numbers of the file (they are ICU's); only those that matter here.
enum class Direction : uint8_t {
    left_to_right = 0,
    right_to_left = 1,
    european_number = 2,
    european_number_separator = 3,
    european_number_terminator = 4,
    arabic_number = 5,
    common_number_separator = 6,
    other_neutral = 10,
    right_to_left_arabic = 13,
};

inline constexpr int32_t no_unichar = -1;
inline constexpr int32_t space_unichar = 0;

struct Unichar {
    std::string text;  ///< UTF-8 as the file has it; several characters for a ligature or a syllable
    bool is_letter = false;
    bool is_lower = false;
    bool is_upper = false;
    bool is_digit = false;
    /// Of a script that puts spaces between its words; not so of Chinese, Japanese, Korean and Thai.
    bool spaced_script = true;
    Direction direction = Direction::left_to_right;
};

struct Unicharset {
    std::vector<Unichar> unichars;  ///< by id; the first is the space
    /// Whether words of this model are found between spaces, and nowhere else.
    bool spaced_language = true;
    bool contains(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < unichars.size(); }
    const Unichar& operator[](int32_t id) const { return unichars[static_cast<size_t>(id)]; }
};

/// Lines of text: how many characters there are, then each. Throws ModelError.
Unicharset parse_unicharset(ModelBytes&);

}  // namespace pg_ocr::recognise
