// Tesseract instances, kept warm: loading a model costs more than reading a page.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "engine/layout/models.h"

namespace tesseract {
class TessBaseAPI;
}

namespace pg_ocr {

/// 'tesseract 5.3.0'
std::string recogniser_version();

/// Holds the instances of the languages used last, a few at most, so that memory stays bounded.
class Recognisers {
  public:
    /// tessdata_directory holds the *.traineddata files. The card, if there is one, outlives this.
    explicit Recognisers(std::string tessdata_directory, CardLink* card = nullptr);
    ~Recognisers();
    Recognisers(const Recognisers&) = delete;
    Recognisers& operator=(const Recognisers&) = delete;

    /// The instance for the languages ('eng', 'deu+fra'), loaded at first use. The reference holds until the next call.
    /// Throws DocumentError language_missing, naming the language, when a model file is not there or cannot be loaded.
    tesseract::TessBaseAPI& for_languages(const std::string& languages);

    /// As for_languages(), but it only finds lines, of which it finds the same: it takes no more of the models than
    /// that needs. The mode is Tesseract's psm. Loads the languages' models() as well, and throws for them.
    tesseract::TessBaseAPI& layout_for(const std::string& languages, int32_t page_segmentation_mode);

    /// True where each of the languages has a model file.
    bool has(const std::string& languages) const;

    /// Of the directory `best` within: larger models, which read better and more slowly.
    Recognisers& best();

    /// Of the same directory, for our own recogniser.
    Models& models() { return models_; }

  private:
    struct Warm;
    enum class Load : uint8_t { all, settings };
    tesseract::TessBaseAPI& warm(const std::string& languages, Load);
    std::string tessdata_directory_;
    Models models_;
    std::unique_ptr<Recognisers> best_;
    std::list<Warm> warm_;  ///< used last comes first
};

}  // namespace pg_ocr
