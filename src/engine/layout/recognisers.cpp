#include "engine/layout/recognisers.h"

#include <tesseract/baseapi.h>

#include <cctype>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/document_error.h"

namespace pg_ocr {
namespace {

/// A model takes 10 to 100 MB.
constexpr size_t kept_warm = 3;

bool is_language_code(std::string_view code) {
    if (code.empty()) return false;
    for (char c : code)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') return false;
    return true;
}

bool is_installed(const std::string& tessdata_directory, const std::string& code) {
    if (!is_language_code(code)) return false;
    std::error_code unseen;  // as of a link that leads to itself
    return std::filesystem::is_regular_file(std::filesystem::path(tessdata_directory) / (code + ".traineddata"),
                                            unseen);
}

[[noreturn]] void throw_missing(const std::string& code, const std::string& tessdata_directory) {
    std::string message = "the language \"";
    message.append(code).append("\" is not installed; put ").append(code).append(".traineddata into ");
    throw DocumentError(ErrorCode::language_missing, message.append(tessdata_directory));
}

void check_installed(const std::string& tessdata_directory, std::string_view languages) {
    for (;;) {
        size_t plus = languages.find('+');
        std::string code(languages.substr(0, plus));
        if (!is_installed(tessdata_directory, code)) throw_missing(code, tessdata_directory);
        if (plus == std::string_view::npos) return;
        languages.remove_prefix(plus + 1);
    }
}

/// What a model's characters tell Tesseract: whether columns are read from the right. Nothing else in its interface
/// does.
bool reads_columns_from_the_right(const recognise::Unicharset& characters) {
    ptrdiff_t to_the_right = 0, to_the_left = 0;
    for (const recognise::Unichar& character : characters.unichars) {
        if (character.direction == recognise::Direction::left_to_right) ++to_the_right;
        if (character.direction == recognise::Direction::right_to_left ||
            character.direction == recognise::Direction::right_to_left_arabic ||
            character.direction == recognise::Direction::arabic_number)
            ++to_the_left;
    }
    return to_the_left > to_the_right;
}

/// Of the scripts that are looked for, only those are found that the models' characters have.
bool finds_orientation_and_script(int32_t mode) {
    return mode == tesseract::PSM_OSD_ONLY || mode == tesseract::PSM_AUTO_OSD || mode == tesseract::PSM_SPARSE_TEXT_OSD;
}

}  // namespace

struct Recognisers::Warm {
    std::string languages;
    Load load;
    tesseract::TessBaseAPI tesseract;
};

std::string recogniser_version() { return std::string("tesseract ") + tesseract::TessBaseAPI::Version(); }

Recognisers::Recognisers(std::string tessdata_directory, CardLink* card)
    : tessdata_directory_(std::move(tessdata_directory)), models_(tessdata_directory_, card) {}
Recognisers::~Recognisers() = default;

tesseract::TessBaseAPI& Recognisers::for_languages(const std::string& languages) { return warm(languages, Load::all); }

bool Recognisers::has(const std::string& languages) const {
    std::istringstream codes(languages);
    for (std::string code; std::getline(codes, code, '+');)
        if (!is_installed(tessdata_directory_, code)) return false;
    return true;
}

Recognisers& Recognisers::best() {
    if (!best_) best_ = std::make_unique<Recognisers>(tessdata_directory_ + "/best");
    return *best_;
}

tesseract::TessBaseAPI& Recognisers::layout_for(const std::string& languages, int32_t page_segmentation_mode) {
    check_installed(tessdata_directory_, languages);
    const recognise::Unicharset& characters = models_.for_languages(languages).front()->language.unicharset;
    const bool needs_characters =
        finds_orientation_and_script(page_segmentation_mode) || reads_columns_from_the_right(characters);
    return warm(languages, needs_characters ? Load::all : Load::settings);
}

tesseract::TessBaseAPI& Recognisers::warm(const std::string& languages, Load load) {
    for (auto warm = warm_.begin(); warm != warm_.end(); ++warm)
        if (warm->languages == languages && (warm->load == load || warm->load == Load::all)) {
            warm_.splice(warm_.begin(), warm_, warm);
            return warm->tesseract;
        }
    check_installed(tessdata_directory_, languages);
    if (warm_.size() >= kept_warm) warm_.pop_back();
    std::list<Warm> loaded(1);
    loaded.front().languages = languages;
    loaded.front().load = load;
    const std::vector<std::string> setting{"tessedit_init_config_only"};
    const std::vector<std::string> value{load == Load::settings ? "1" : "0"};
    constexpr bool debug_ones_too = false;
    if (loaded.front().tesseract.Init(tessdata_directory_.c_str(), languages.c_str(), tesseract::OEM_DEFAULT, nullptr,
                                      0, &setting, &value, debug_ones_too) != 0)
        throw DocumentError(
            ErrorCode::language_missing,
            "the language \"" + languages + "\" cannot be loaded; replace its .traineddata in " + tessdata_directory_);
    warm_.splice(warm_.begin(), loaded);
    return warm_.front().tesseract;
}

}  // namespace pg_ocr
