#include "worker/card_access.h"

#include "worker/card_socket.h"
#include "worker/engine_process.h"

namespace pg_ocr {

std::optional<uint32_t> card_for(uint32_t place, const std::vector<bool>& ready) {
    const auto cards = static_cast<uint32_t>(ready.size());
    for (uint32_t i = 0; i < cards; ++i)
        if (ready[(place + i) % cards]) return (place + i) % cards;
    return std::nullopt;
}

bool CardAccess::offer(EngineProcess& engine, const std::optional<ReadyCard>& card, const CardGrant& grant,
                       int64_t now_ms) {
    if (!card || card->generation == generation_) return false;
    if (card->generation == left_ && now_ms < not_before_ms_) return false;
    const UniqueFd socket = connect_to(card->path);
    if (!socket) return false;
    engine.send_card(grant, socket.get());
    generation_ = card->generation;
    return true;
}

void CardAccess::note(const Finished& finished, int64_t now_ms) {
    if (finished.card_trouble.empty()) {
        if (finished.card_lines > 0) backoff_.reset();
        return;
    }
    left_ = generation_;
    generation_ = 0;
    not_before_ms_ = now_ms + backoff_.next_ms();
}

}  // namespace pg_ocr
