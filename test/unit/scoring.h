// How close a text comes to the truth: edits of characters and of words, and words found in whatever order.
#pragma once

#include <cstddef>
#include <string>

namespace pg_ocr {

/// Counts, so that those of several documents can be added up.
struct Score {
    size_t characters = 0;        ///< of the truth, white space folded
    size_t character_errors = 0;  ///< insertions, deletions and substitutions
    size_t words = 0;             ///< of the truth
    size_t word_errors = 0;
    size_t bag_written = 0;  ///< of the truth: words without case, punctuation at their ends, or line breaks within
    size_t bag_read = 0;     ///< such words of the text
    size_t bag_found = 0;    ///< those that are in both, each as often as in both

    Score& operator+=(const Score&);
    /// Errors over the truth's length: 0 is perfect, and there is no upper end.
    double cer() const;
    double wer() const;
    /// The harmonic mean of precision and recall of the bags: 1 is perfect.
    double f1() const;
};

Score score_of(const std::string& truth, const std::string& text);
inline double character_error_rate(const std::string& truth, const std::string& text) {
    return score_of(truth, text).cer();
}

}  // namespace pg_ocr
