// The networks that lie on a card, by the names of their models: loaded when one is asked for, and the one that was
// asked for longest ago given up when the card has no room.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "gpu/card.h"

namespace pg_ocr {

/// A network on a card. It lives as long as somebody holds it, and no longer than the card.
struct LoadedNetwork {
    std::string model;
    uint64_t fingerprint = 0;
    uint32_t height = 0;
    uint32_t x_scale = 1;
    uint32_t most_columns = 0;  ///< of a batch
    std::unique_ptr<CardNetwork, void (*)(CardNetwork*)> on_card{nullptr, nullptr};
};

class LoadedNetworks {
  public:
    /// models: the directory of *.traineddata. The card outlives this.
    LoadedNetworks(const CardTable& table, Card* card, std::string models)
        : table_(table), card_(card), models_(std::move(models)) {}
    /// Null where there is no such model, or it is no network of this fingerprint, or the card cannot run it. A file
    /// that was exchanged since it was loaded is loaded anew.
    std::shared_ptr<const LoadedNetwork> find(const std::string& model, uint64_t fingerprint);
    /// Why a network was not found since this was asked last; empty: all were, or it was said before.
    std::string take_trouble() { return std::exchange(trouble_, {}); }

  private:
    std::shared_ptr<const LoadedNetwork> load(const std::string& model, uint64_t fingerprint);
    const CardTable& table_;
    Card* card_;
    std::string models_;
    std::list<std::shared_ptr<const LoadedNetwork>> loaded_;  ///< asked for last comes first
    /// What could not be loaded last, so that it is not tried for each line again.
    std::string missing_;
    uint64_t missing_fingerprint_ = 0;
    std::string trouble_;
};

}  // namespace pg_ocr
