// How the words of a line stand from left to right, where some of them run from right to left.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pg_ocr {

/// A character that is nothing itself, and says which way others run.
bool is_directional(char32_t);

/// Whether a character stands on the one before it.
bool is_combining(char32_t);

/// Whether a word has a letter of a script that runs from right to left.
bool runs_leftward(const std::u32string& word);

struct DrawnWord {
    size_t number = 0;           ///< which word it is, from 0 in reading order
    std::u32string characters;   ///< from left to right; without the marks that tell directions, see drawn_line()
    bool runs_leftward = false;  ///< it is part of a run from right to left, if only as its number
};

/// Whether at least as many words run leftward as rightward.
bool mostly_leftward(const std::vector<std::u32string>& words);

/// The words of a line, of which none may be empty, from left to right as they are drawn: by the Unicode bidirectional
/// algorithm, save that a word is never torn apart. Directional marks of the text are left out; there is one only where
/// poppler would else put what stands beside a number, a full stop or a foreign word on its other side.
std::vector<DrawnWord> drawn_line(const std::vector<std::u32string>& words, bool line_runs_leftward);

}  // namespace pg_ocr
