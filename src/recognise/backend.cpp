#include "recognise/backend.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "recognise/cpu/cpu_backends.h"
#include "recognise/reference.h"

namespace pg_ocr::recognise {
namespace {

struct ReferenceNetwork {
    Network network;
};
const ReferenceNetwork& reference(const BackendNetwork* network) {
    return *reinterpret_cast<const ReferenceNetwork*>(network);
}

size_t bytes_of(const Weights& weights) {
    return weights.integers.capacity() + sizeof(float) * (weights.scales.capacity() + weights.reals.capacity());
}
size_t bytes_of(const Layer& layer) {
    size_t sum = sizeof layer + bytes_of(layer.weights);
    for (const Weights& gate : layer.gates) sum += bytes_of(gate);
    for (const Layer& inner : layer.inner) sum += bytes_of(inner);
    return sum;
}

constexpr Backend reference_backend = {
    .version = backend_version,
    .name = "reference",
    .runs_here = [] { return true; },
    .compile = [](const Network* network) -> BackendNetwork* {
        try {
            return reinterpret_cast<BackendNetwork*>(
                std::make_unique<ReferenceNetwork>(ReferenceNetwork{*network}).release());
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    },
    .release =
        [](BackendNetwork* network) {
            std::unique_ptr<ReferenceNetwork>(reinterpret_cast<ReferenceNetwork*>(network)).reset();
        },
    .bytes = [](const BackendNetwork* network) { return bytes_of(reference(network).network.root); },
    .forward =
        [](const BackendNetwork* compiled, const LinePixels* lines, size_t count, float* const* scores) {
            try {
                const Network& network = reference(compiled).network;
                for (size_t i = 0; i < count; ++i) {
                    if (lines[i].width < network.x_scale) continue;
                    LineImage line{lines[i].width, network.height, {}};
                    line.pixels.assign(lines[i].pixels, lines[i].pixels + size_t{line.width} * line.height);
                    const Scores made = forward_reference(network, line);
                    std::copy(made.values.begin(), made.values.end(), scores[i]);
                }
                return true;
            } catch (const std::bad_alloc&) {
                return false;
            }
        },
};

constexpr const Backend* all[] = {
    &reference_backend,
    &portable_backend,
#ifdef __x86_64__
    &avx2_backend,
    &avx512_backend,
#endif
};

}  // namespace

std::span<const Backend* const> backends() { return all; }

const Backend& best_backend() {
    static const Backend& best =
        **std::find_if(std::rbegin(all), std::rend(all), [](const Backend* backend) { return backend->runs_here(); });
    return best;
}

CompiledNetwork::CompiledNetwork(const Network& network, const Backend& backend)
    : height_(network.height),
      x_scale_(network.x_scale),
      classes_(network.classes),
      backend_(&backend),
      network_(backend.compile(&network), {&backend}) {
    if (network_ != nullptr) return;
    backend_ = &reference_backend;
    network_ = {reference_backend.compile(&network), {&reference_backend}};
    if (network_ == nullptr) throw std::bad_alloc();
}

std::vector<Scores> CompiledNetwork::forward(std::span<const LineImage> lines) const {
    std::vector<LinePixels> pixels;
    std::vector<Scores> scores;
    std::vector<float*> values;
    for (const LineImage& line : lines) {
        if (line.height != height_ || line.pixels.size() != size_t{line.width} * line.height)
            throw std::invalid_argument("a line of another size than the network reads");
        pixels.push_back({line.pixels.data(), line.width});
        Scores& made = scores.emplace_back(Scores{line.width / x_scale_, classes_, {}});
        made.values.resize(size_t{made.steps} * classes_);
        values.push_back(made.values.data());
    }
    if (!backend_->forward(network_.get(), pixels.data(), pixels.size(), values.data())) throw std::bad_alloc();
    return scores;
}

}  // namespace pg_ocr::recognise
