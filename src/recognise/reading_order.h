// Lines are recognised from left to right. Here they get the order in which they are read, as the text of scripts that
// run from right to left has it.
#pragma once

#include <span>
#include <vector>

#include "document/document.h"
#include "recognise/words.h"

namespace pg_ocr::recognise {

/// Whether a paragraph runs from left to right, by its lines from top to bottom.
bool runs_left_to_right(std::span<const std::vector<LineWord>> paragraph);

/// Of each line of a block, whether its paragraph runs from left to right. Which lines Tesseract takes for a paragraph
/// is not told: here one begins where lines of one direction follow those of the other.
std::vector<bool> directions_of_paragraphs(std::span<const std::vector<LineWord>> block);

/// The words of a line as they are read. Where the direction turns, a word's text begins or ends with a mark of
/// direction, U+200E or U+200F.
std::vector<Word> in_reading_order(const std::vector<LineWord>& line, bool paragraph_runs_left_to_right);

}  // namespace pg_ocr::recognise
