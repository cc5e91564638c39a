#include "engine/layout/models.h"

#include <sstream>
#include <utility>

#include "engine/document_error.h"

namespace pg_ocr {
namespace {

Model load(const std::string& path) {
    const recognise::ModelFile file = recognise::ModelFile::read(path);
    const auto component = file.component(recognise::Component::network);
    if (!component) throw recognise::ModelError("has no network; models of Tesseract 3 cannot be used");
    recognise::ModelBytes bytes(*component);
    const recognise::Network network = recognise::parse_network(bytes);
    return {network.height, network.x_scale, recognise::parse_language(file, network),
            recognise::CompiledNetwork(network)};
}

}  // namespace

std::vector<const Model*> Models::for_languages(const std::string& languages) {
    std::vector<const Model*> found;
    std::istringstream codes(languages);
    for (std::string code; std::getline(codes, code, '+');) found.push_back(&of(code));
    return found;
}

const Model& Models::of(const std::string& code) {
    if (auto known = models_.find(code); known != models_.end()) return known->second;
    const std::string path = tessdata_directory_ + "/" + code + ".traineddata";
    try {
        return models_.emplace(code, load(path)).first->second;
    } catch (const recognise::ModelError& error) {
        throw DocumentError(ErrorCode::language_missing,
                            "the language \"" + code + "\" cannot be loaded: " + path + " " + error.what());
    }
}

}  // namespace pg_ocr
