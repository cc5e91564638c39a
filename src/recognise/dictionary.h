// What a model knows of words: those that there are, numbers as patterns, and what stands around both. A place is where
// in these lists the letters read so far may have led; mostly there are several at once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "recognise/dawg.h"
#include "recognise/model_file.h"
#include "recognise/unicharset.h"

namespace pg_ocr::recognise {

/// Where a word is from, the better the higher.
enum class WordSource : uint8_t {
    none,  ///< what comes before anything of a word, and spaces after what is in no list
    punctuation,
    scores,  ///< of the network alone
    numbers,
    words,
};

struct Place {
    int64_t edge = no_edge;  ///< in the list
    int64_t punctuation_edge = no_edge;
    int8_t list = -1;             ///< −1: before a word or number began
    bool in_punctuation = false;  ///< what stands around it is from the list of punctuation
    bool behind_word = false;     ///< in the punctuation that follows
    bool operator==(const Place& other) const {
        return edge == other.edge && punctuation_edge == other.punctuation_edge && list == other.list &&
               in_punctuation == other.in_punctuation && behind_word == other.behind_word;
    }
};

class Dictionary {
  public:
    Dictionary() = default;
    /// Any of them may be missing.
    Dictionary(std::optional<Dawg> punctuation, std::optional<Dawg> words, std::optional<Dawg> numbers);
    bool empty() const { return !punctuation_ && !lists_[0] && !lists_[1]; }
    /// Before the first letter of a word.
    std::span<const Place> beginning() const { return beginning_; }

    struct Advance {
        WordSource source = WordSource::none;  ///< none: no list goes on so
        bool may_end = false;
    };
    /// Adds to `to` the places that a character leads to; it is empty before. ends: only where a word ends with it.
    Advance advance(std::span<const Place> from, const Unicharset&, int32_t unichar, bool ends,
                    std::vector<Place>& to) const;
    /// Whether the characters are a word, not merely a number or punctuation.
    bool has_word(const Unicharset&, std::span<const int32_t> unichars) const;

  private:
    void enter_lists(const Place&, const Unicharset&, int32_t unichar, bool ends, std::vector<Place>& to,
                     Advance&) const;
    std::optional<Dawg> punctuation_;
    std::optional<Dawg> lists_[2];  ///< words, numbers
    std::vector<Place> beginning_;
};

}  // namespace pg_ocr::recognise
