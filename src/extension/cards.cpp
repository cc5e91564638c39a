#include "extension/cards.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "extension/rows.h"
#include "pg/guard.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_card_slots);
}

namespace pg_ocr {
namespace {

const char* state_name(CardState state) {
    switch (state) {
        case CardState::starting:
            return "starting";
        case CardState::ready:
            return "ready";
        case CardState::down:
            return "down";
        default:
            return "off";
    }
}

/// Of the time since it was ready, how much a batch was on the card: 0 to 1.
float busy_share(const CardSlot& card) {
    const long ms = TimestampDifferenceMilliseconds(card.since, GetCurrentTimestamp());
    return std::min(1.0F, static_cast<float>(card.busy_us) / 1000 / static_cast<float>(std::max(ms, 1L)));
}

}  // namespace

// Base backups and pg_rewind leave out what is in this directory; of a socket elsewhere they would warn.
std::string card_socket_path(uint32_t card) { return "pg_stat_tmp/pg_ocr_gpu." + std::to_string(card); }

std::optional<ReadyCard> ready_card_for(uint32_t place) {
    SharedState& shared = shared_state();
    struct {
        CardState state;
        uint64_t generation;
    } cards[lengthof(shared.cards)];
    LWLockAcquire(shared.lock, LW_SHARED);
    for (size_t i = 0; i < lengthof(cards); ++i) cards[i] = {shared.cards[i].state, shared.cards[i].generation};
    LWLockRelease(shared.lock);
    // Those in use are numbered from 0 on without a gap.
    std::vector<bool> ready;
    for (const auto& card : cards)
        if (card.state != CardState::off) ready.push_back(card.state == CardState::ready);
    const std::optional<uint32_t> chosen = card_for(place, ready);
    if (!chosen) return std::nullopt;
    return ReadyCard{cards[*chosen].generation, card_socket_path(*chosen)};
}

const CardSlot* card_of(uint64_t generation) {
    const auto& cards = shared_state().cards;
    const CardSlot* found = std::find_if(std::begin(cards), std::end(cards), [&](const CardSlot& card) {
        return card.state == CardState::ready && card.generation == generation;
    });
    return found == std::end(cards) ? nullptr : found;
}

void write_label(char (&to)[128], const CardSlot& card) {
    snprintf(to, sizeof(to), "GPU %d: %s", static_cast<int>(&card - shared_state().cards), card.name);
}

}  // namespace pg_ocr

Datum pg_ocr_card_slots(PG_FUNCTION_ARGS) {
    using namespace pg_ocr;
    SharedState& shared = shared_state();
    TupleDesc description = nullptr;
    Tuplestorestate* rows = begin_rows(fcinfo, &description);
    for (size_t i = 0; i < lengthof(shared.cards); ++i) {
        LWLockAcquire(shared.lock, LW_SHARED);
        const CardSlot card = shared.cards[i];
        LWLockRelease(shared.lock);
        if (card.state == CardState::off) continue;
        const bool is_ready = card.state == CardState::ready;
        Datum values[14] = {Int32GetDatum(static_cast<int32>(i)),
                            CStringGetTextDatum(card.name),
                            CStringGetTextDatum(state_name(card.state)),
                            TimestampTzGetDatum(card.since),
                            Int32GetDatum(card.pid),
                            Int64GetDatum(static_cast<int64>(card.memory)),
                            Int32GetDatum(static_cast<int32>(card.engines)),
                            Int64GetDatum(static_cast<int64>(card.lines)),
                            Int64GetDatum(static_cast<int64>(card.batches)),
                            Int64GetDatum(static_cast<int64>(card.refused)),
                            Float4GetDatum(busy_share(card)),
                            Float8GetDatum(static_cast<double>(card.all_busy_us) / 1e6),
                            Int64GetDatum(static_cast<int64>(card.starts)),
                            CStringGetTextDatum(card.trouble)};
        bool nulls[14] = {false,         card.name[0] == '\0',
                          false,         false,
                          card.pid == 0, !is_ready,
                          false,         false,
                          false,         false,
                          !is_ready,     false,
                          false,         card.trouble[0] == '\0'};
        tuplestore_putvalues(rows, description, values, nulls);
    }
    return 0;
}
