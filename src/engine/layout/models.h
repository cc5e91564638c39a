// Models of our own recogniser, kept warm.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "recognise/backend.h"
#include "recognise/language.h"

namespace pg_ocr {

struct Model {
    uint32_t height;   ///< pixels of a line's image
    uint32_t x_scale;  ///< of them, across, for one step
    recognise::Language language;
    recognise::CompiledNetwork network;
};

/// Holds those used last, a few at most, so that memory stays bounded.
class Models {
  public:
    explicit Models(std::string tessdata_directory) : tessdata_directory_(std::move(tessdata_directory)) {}
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
    std::list<Warm> warm_;  ///< used last comes first
};

}  // namespace pg_ocr
