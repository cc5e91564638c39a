// Reads lines: from the scores of one model, or of several of which each word takes the best, to words with boxes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "recognise/beam_search.h"
#include "recognise/language.h"
#include "recognise/line.h"
#include "recognise/word_boxes.h"
#include "recognise/words.h"

namespace pg_ocr::recognise {

struct LineScores {
    Scores scores;
    LineFrame frame;  ///< differs between models of different heights
};
/// The scores that one of the languages gives a line; nothing where its image cannot be read. Called only for
/// languages that are needed.
using ScoresOf = std::function<std::optional<LineScores>(size_t language)>;

/// Of one page after the other; not for two threads at once.
class LineReader {
  public:
    /// The first language is the main one: its settings hold for all. They outlive the reader.
    explicit LineReader(const std::vector<const Language*>& languages);
    /// Before the lines of a page, which are to come in the layout's order: each begins with the language that read the
    /// one before.
    void begin_page() { last_language_ = 0; }
    /// From left to right; empty where there is no text.
    std::vector<LineWord> read(const LineLayout&, const ScoresOf&);
    /// Of the words of the line that was read last, and of what was blank between them.
    const std::vector<float>& certainties() const { return certainties_; }

  private:
    std::vector<LineWord> read_in(size_t language, const LineLayout&, const ScoresOf&);
    std::vector<const Language*> languages_;
    std::vector<BeamSearch> searches_;
    size_t last_language_ = 0;
    std::vector<float> certainties_;
};

}  // namespace pg_ocr::recognise
