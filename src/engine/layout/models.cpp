#include "engine/layout/models.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "engine/document_error.h"
#include "recognise/step_scores.h"

namespace pg_ocr {
namespace {

/// A model takes 3 to 10 MB; one of floating point numbers, several times as much.
constexpr size_t kept_warm = 6;

Model load(const std::string& path, const std::string& code, CardLink* card) {
    const recognise::ModelFile file = recognise::ModelFile::read(path);
    const recognise::Network network = recognise::parse_network(file);
    recognise::Language language = recognise::parse_language(file, network);
    if (!recognise::needs_step_scores_only(language)) card = nullptr;
    return {network.height,
            network.x_scale,
            std::move(language),
            recognise::CompiledNetwork(network),
            {code, network.fingerprint, network.x_scale, network.classes, network.null_code},
            card};
}

}  // namespace

std::vector<recognise::Scores> forward(const Model& model, std::span<const recognise::LineImage> lines) {
    using recognise::Scores;
    std::vector<std::optional<Scores>> by_card;
    if (model.card != nullptr) by_card = model.card->forward(model.on_card, lines);
    if (by_card.empty()) return model.network.forward(lines);
    std::vector<recognise::LineImage> rest;
    for (size_t i = 0; i < lines.size(); ++i)
        if (!by_card[i]) rest.push_back(lines[i]);
    std::vector<Scores> of_rest = model.network.forward(rest), all;
    auto next = of_rest.begin();
    all.reserve(lines.size());
    for (std::optional<Scores>& line : by_card) all.push_back(line ? std::move(*line) : std::move(*next++));
    return all;
}

std::vector<const Model*> Models::for_languages(const std::string& languages) {
    std::vector<const Model*> found;
    std::istringstream codes(languages);
    for (std::string code; std::getline(codes, code, '+');) found.push_back(&of(code));
    while (warm_.size() > std::max(kept_warm, found.size())) warm_.pop_back();
    return found;
}

const Model& Models::of(const std::string& code) {
    for (auto warm = warm_.begin(); warm != warm_.end(); ++warm)
        if (warm->code == code) {
            warm_.splice(warm_.begin(), warm_, warm);
            return warm->model;
        }
    const std::string path = tessdata_directory_ + "/" + code + ".traineddata";
    try {
        warm_.push_front({code, load(path, code, card_)});
    } catch (const recognise::ModelError& error) {
        throw DocumentError(ErrorCode::language_missing,
                            "the language \"" + code + "\" cannot be loaded: " + path + " " + error.what() +
                                "; replace it, or, where Tesseract reads with it, make tesseract the tier's provider, "
                                "as in pg_ocr.balanced_providers");
    }
    return warm_.front().model;
}

}  // namespace pg_ocr
