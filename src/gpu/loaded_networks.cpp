#include "gpu/loaded_networks.h"

#include <algorithm>
#include <cctype>

#include "recognise/model_file.h"
#include "recognise/network.h"

namespace pg_ocr {
namespace {

/// Names of models of which no path but one below the models' directory can be made: who asks is not trusted.
bool is_model_name(const std::string& name) {
    constexpr size_t longest = 64;
    return !name.empty() && name.size() <= longest && std::ranges::all_of(name, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    });
}

}  // namespace

std::shared_ptr<const LoadedNetwork> LoadedNetworks::find(const std::string& model, uint64_t fingerprint) {
    for (auto at = loaded_.begin(); at != loaded_.end(); ++at) {
        if ((*at)->model != model) continue;
        if ((*at)->fingerprint == fingerprint) {
            loaded_.splice(loaded_.begin(), loaded_, at);
            return loaded_.front();
        }
        loaded_.erase(at);
        break;
    }
    if (!is_model_name(model) || (model == missing_ && fingerprint == missing_fingerprint_)) return nullptr;
    std::shared_ptr<const LoadedNetwork> network = load(model, fingerprint);
    if (network == nullptr) {
        missing_ = model;
        missing_fingerprint_ = fingerprint;
    } else {
        loaded_.push_front(network);
    }
    return network;
}

std::shared_ptr<const LoadedNetwork> LoadedNetworks::load(const std::string& model, uint64_t fingerprint) {
    const std::string path = models_ + "/" + model + ".traineddata";
    try {
        const recognise::Network network = recognise::parse_network(recognise::ModelFile::read(path));
        if (network.fingerprint != fingerprint) {
            trouble_ = path + " is another than an engine has, which goes on by the CPU";
            return nullptr;
        }
        auto made = std::make_shared<LoadedNetwork>();
        made->on_card = {table_.compile(card_, &network), table_.release};
        while (made->on_card == nullptr && !loaded_.empty()) {
            loaded_.pop_back();
            made->on_card.reset(table_.compile(card_, &network));
        }
        if (made->on_card == nullptr) {
            trouble_ = "the card cannot run the network of " + path + ", which is left to the CPU";
            return nullptr;
        }
        made->model = model;
        made->fingerprint = fingerprint;
        made->height = network.height;
        made->x_scale = network.x_scale;
        made->most_columns = table_.most_columns(made->on_card.get());
        return made;
    } catch (const recognise::ModelError& error) {
        trouble_ = path + " " + error.what();
        return nullptr;
    }
}

}  // namespace pg_ocr
