// Ways to run a network: one table of functions each. The plain reference, and what this machine can do faster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "recognise/line.h"
#include "recognise/network.h"

namespace pg_ocr::recognise {

/// A line for a backend: grey pixels, row by row, of the network's height.
struct LinePixels {
    const uint8_t* pixels;
    uint32_t width;
};

/// A network as a backend wants it. Each backend has its own.
struct BackendNetwork;

/// What a backend offers. Nothing is thrown through it, and what it makes it releases itself: it may come from a shared
/// library.
struct Backend {
    uint32_t version;  ///< backend_version, of when it was compiled
    const char* name;
    /// Whether this machine can run it.
    bool (*runs_here)();
    /// Null where it has no way to run such layers, or no memory. Nothing of the network is kept.
    BackendNetwork* (*compile)(const Network*);
    void (*release)(BackendNetwork*);
    /// Of memory that the compiled network holds.
    size_t (*bytes)(const BackendNetwork*);
    /// scores[i]: of line i, its steps (width / x_scale) × classes. False where there was no memory. Several threads
    /// may run one network.
    bool (*forward)(const BackendNetwork*, const LinePixels* lines, size_t count, float* const* scores);
};
inline constexpr uint32_t backend_version = 1;

/// From the slowest, the reference, which runs everywhere and runs every network.
std::span<const Backend* const> backends();
/// The fastest that this machine can run.
const Backend& best_backend();

/// A network, ready to read lines. Takes about as much memory as bytes() says, beside the Network, which it does not
/// need any longer.
class CompiledNetwork {
  public:
    /// By the reference where the backend has no way to run such layers.
    explicit CompiledNetwork(const Network&, const Backend& = best_backend());
    /// Which may be the reference instead of what was asked for.
    const Backend& backend() const { return *backend_; }
    size_t bytes() const { return backend_->bytes(network_.get()); }
    /// In the order of the lines, each what it would be alone. Lines together cost less than one after the other.
    /// Throws std::invalid_argument where a line has not the network's height or not the pixels that it says,
    /// std::bad_alloc. A line too narrow for a step has none.
    std::vector<Scores> forward(std::span<const LineImage> lines) const;

  private:
    struct Release {
        const Backend* backend;
        void operator()(BackendNetwork* network) const { backend->release(network); }
    };
    uint32_t height_;
    uint32_t x_scale_;
    uint32_t classes_;
    const Backend* backend_;
    std::unique_ptr<BackendNetwork, Release> network_;
};

}  // namespace pg_ocr::recognise
