// What the layout knows of a line is finer than the steps of a network: blobs of ink, of which words and characters get
// their boxes.
#pragma once

#include <vector>

#include "recognise/words.h"

namespace pg_ocr::recognise {

/// A line as the layout found it. All boxes in the frame in which the line is upright, with top above bottom.
struct LineLayout {
    std::vector<Box> blobs;          ///< connected ink
    std::vector<Box> specks;         ///< what was taken for noise, or for the dots of letters
    std::vector<Box> words;          ///< where the layout had parted the line; none where it had not
    Box box;                         ///< of all its blobs
    uint32_t spaces_before = 0;      ///< before its first word
    bool begins_row = true;          ///< it is the first of its row, and no space precedes it
    bool has_whole_letters = false;  ///< a blob is of one word, and all of it: the steps part words, not blobs
};

/// Gives the words of a line, from left to right, and their characters the boxes of the blobs that lie in them. A
/// character without any keeps the box that its steps gave it, within its word's.
void fit_to_blobs(std::vector<LineWord>&, const LineLayout&);

}  // namespace pg_ocr::recognise
