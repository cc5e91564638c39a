#include "engine/layout/models.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "engine/document_error.h"

namespace pg_ocr {
namespace {

/// A model takes 3 to 10 MB; one of floating point numbers, several times as much.
constexpr size_t kept_warm = 6;

Model load(const std::string& path, const std::string& code, CardLink* card) {
    const recognise::ModelFile file = recognise::ModelFile::read(path);
    const recognise::Network network = recognise::parse_network(file);
    return {network.height,
            network.x_scale,
            recognise::parse_language(file, network),
            recognise::CompiledNetwork(network),
            {code, network.fingerprint, network.x_scale, network.classes},
            card};
}

}  // namespace

std::vector<recognise::Scores> forward(const Model& model, std::span<const recognise::LineImage> lines) {
    if (model.card != nullptr)
        if (std::optional<std::vector<recognise::Scores>> scores = model.card->forward(model.on_card, lines))
            return std::move(*scores);
    return model.network.forward(lines);
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
