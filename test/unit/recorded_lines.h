// Lines as Tesseract 5.3.0 had them: the scores of its network, what its layout knew, and the words that it read.
#pragma once

#include <string>
#include <vector>

#include "recognise/language.h"
#include "recognise/line_reader.h"

namespace pg_ocr::recognise {

struct RecordedLine {
    struct Attempt {
        uint32_t language = 0;
        LineScores scores;
    };
    struct Expected {
        std::string text;
        Box box;
        float confidence = 0;
        uint32_t spaces_before = 0;
    };
    std::vector<Attempt> attempts;  ///< one for each language that was needed
    LineLayout layout;
    std::vector<Expected> words;
};

/// Of test/data/recognise. Scores below a millionth were left out, and are 0.
std::vector<RecordedLine> recorded_lines(const std::string& name);

/// Of the installed ones.
ModelFile installed_model(const std::string& language);
Language installed_language(const std::string& language);

/// The words that a reader makes of a recorded line; counts how many languages it asked for.
std::vector<LineWord> read(LineReader&, const RecordedLine&, size_t& asked);

}  // namespace pg_ocr::recognise
