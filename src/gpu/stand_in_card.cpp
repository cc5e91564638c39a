#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "gpu/card.h"

namespace pg_ocr {
namespace {

using recognise::BackendNetwork;
using recognise::best_backend;
using recognise::LinePixels;
using recognise::Network;
using recognise::Scores;
using recognise::step_scores_of;
using recognise::StepScores;

/// A step of the largest network takes about as much on its way through it.
constexpr uint64_t bytes_of_column = 4096;

struct StandInNetwork {
    BackendNetwork* network;
    uint32_t most_columns;
    uint32_t x_scale;
    uint32_t classes;
    int32_t null_code;
};

/// Throws std::bad_alloc.
bool forward(const StandInNetwork& network, std::span<const LinePixels> lines, StepScores* const* steps) {
    std::vector<Scores> scores;
    std::vector<float*> values;
    scores.reserve(lines.size());
    for (const LinePixels& line : lines) {
        Scores& made = scores.emplace_back(Scores{line.width / network.x_scale, network.classes, {}});
        made.values.resize(size_t{made.steps} * made.classes);
        values.push_back(made.values.data());
    }
    if (!best_backend().forward(network.network, lines.data(), lines.size(), values.data())) return false;
    for (size_t i = 0; i < lines.size(); ++i) std::ranges::copy(step_scores_of(scores[i], network.null_code), steps[i]);
    return true;
}

struct StandIn {
    uint64_t memory;
};

Card* as_card(StandIn* card) { return reinterpret_cast<Card*>(card); }
StandInNetwork* of(CardNetwork* network) { return reinterpret_cast<StandInNetwork*>(network); }
const StandInNetwork* of(const CardNetwork* network) { return reinterpret_cast<const StandInNetwork*>(network); }

}  // namespace

extern const CardTable stand_in_card = {
    .version = card_version,
    .name = "stand-in",
    .open = [](uint32_t number, uint64_t memory, CardInfo* info) -> Card* {
        *info = {};
        if (number != 0) {
            std::snprintf(info->error, sizeof info->error, "there is one stand-in, number 0, not %u", number);
            return nullptr;
        }
        std::snprintf(info->name, sizeof info->name, "CPU, %s", best_backend().name);
        info->memory = memory;
        info->most_lines = 256;
        info->at_once = 2;
        return as_card(new (std::nothrow) StandIn{memory});
    },
    .close = [](Card* card) { std::unique_ptr<StandIn>(reinterpret_cast<StandIn*>(card)).reset(); },
    .compile = [](Card* card, const Network* network) -> CardNetwork* {
        auto made = std::unique_ptr<StandInNetwork>(new (std::nothrow) StandInNetwork{});
        if (made == nullptr) return nullptr;
        made->network = best_backend().compile(network);
        if (made->network == nullptr) return nullptr;
        const uint64_t columns = reinterpret_cast<const StandIn*>(card)->memory / bytes_of_column;
        made->most_columns = static_cast<uint32_t>(std::min<uint64_t>(columns, UINT32_MAX));
        made->x_scale = network->x_scale;
        made->classes = network->classes;
        made->null_code = network->null_code;
        return reinterpret_cast<CardNetwork*>(made.release());
    },
    .release =
        [](CardNetwork* network) {
            best_backend().release(of(network)->network);
            std::unique_ptr<StandInNetwork>(of(network)).reset();
        },
    .most_columns = [](const CardNetwork* network) { return of(network)->most_columns; },
    .forward =
        [](const CardNetwork* network, const LinePixels* lines, size_t count, StepScores* const* steps) {
            uint64_t columns = 0;
            for (size_t i = 0; i < count; ++i) columns += lines[i].width;
            if (columns > of(network)->most_columns) return CardOutcome::too_large;
            try {
                return forward(*of(network), {lines, count}, steps) ? CardOutcome::done : CardOutcome::too_large;
            } catch (const std::bad_alloc&) {
                return CardOutcome::too_large;
            }
        },
    .trouble = [](const Card*) { return ""; },
};

}  // namespace pg_ocr
