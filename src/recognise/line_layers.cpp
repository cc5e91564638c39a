#include "recognise/line_layers.h"

#include <algorithm>
#include <span>

namespace pg_ocr::recognise {
namespace {

/// The layers in order, those of a series within the series in its place.
void flatten(const Layer& layer, std::vector<const Layer*>& to) {
    if (layer.type != LayerType::series) return to.push_back(&layer);
    for (const Layer& inner : layer.inner) flatten(inner, to);
}

bool is_down(const Layer& layer) {
    return layer.type == LayerType::transpose_xy && layer.inner[0].type == LayerType::lstm_summary;
}
bool is_along(const Layer& layer) {
    return layer.type == LayerType::lstm ||
           (layer.type == LayerType::reverse_x && layer.inner[0].type == LayerType::lstm);
}

}  // namespace

std::optional<LineLayers> line_layers(const Network& network) {
    std::vector<const Layer*> layers;
    flatten(network.root, layers);
    if (layers.size() < 7 || network.height < pool_side) return std::nullopt;
    const std::span<const Layer* const> along(&layers[5], layers.size() - 6);
    const Weights& weights = layers[2]->weights;
    const bool is_of_this_shape =
        layers[0]->type == LayerType::input && layers[1]->type == LayerType::convolve && layers[1]->x == 1 &&
        layers[1]->y == 1 && layers[1]->inputs == 1 && layers[2]->type == LayerType::tanh &&
        std::all_of(weights.scales.begin(), weights.scales.end(), [](float scale) { return scale >= 0; }) &&
        layers[3]->type == LayerType::maxpool && layers[3]->x == pool_side && layers[3]->y == pool_side &&
        is_down(*layers[4]) && std::all_of(along.begin(), along.end(), [](const Layer* l) { return is_along(*l); }) &&
        layers.back()->type == LayerType::softmax;
    if (!is_of_this_shape) return std::nullopt;
    LineLayers made{layers[2], layers[4]->inner.data(), {}, layers.back()};
    for (const Layer* layer : along) {
        const bool reversed = layer->type == LayerType::reverse_x;
        made.along.push_back({reversed ? layer->inner.data() : layer, reversed});
    }
    return made;
}

}  // namespace pg_ocr::recognise
