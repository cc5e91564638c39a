// Models of our own recogniser, kept warm.
#pragma once

#include <list>
#include <span>
#include <string>
#include <vector>

#include "engine/card/card_link.h"
#include "recognise/backend.h"
#include "recognise/language.h"

namespace pg_ocr {

struct Model {
    uint32_t height;   ///< pixels of a line's image
    uint32_t x_scale;  ///< of them, across, for one step
    recognise::Language language;
    recognise::CompiledNetwork network;
    NetworkOnCard on_card;
    CardLink* card;  ///< that reads its lines if it can; null: there is none
};

/// By the card, or else by the CPU; see CompiledNetwork::forward().
std::vector<recognise::Scores> forward(const Model&, std::span<const recognise::LineImage> lines);

/// Holds those used last, a few at most, so that memory stays bounded.
class Models {
  public:
    /// The card, if there is one, outlives this.
    explicit Models(std::string tessdata_directory, CardLink* card = nullptr)
        : tessdata_directory_(std::move(tessdata_directory)), card_(card) {}
    /// Of 'deu+fra' those of deu and fra. They live until the next call. Throws DocumentError language_missing, with
    /// what is wrong, where a file is not there or no model that can be read.
    std::vector<const Model*> for_languages(const std::string& languages);

  private:
    struct Warm {
        std::string code;
        Model model;
    };
    const Model& of(const std::string& code);
    std::string tessdata_directory_;
    CardLink* card_;
    std::list<Warm> warm_;  ///< used last comes first
};

}  // namespace pg_ocr
