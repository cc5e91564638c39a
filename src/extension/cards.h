// The services of the cards, as all processes of the server see them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "extension/shared_state.h"
#include "worker/card_access.h"

namespace pg_ocr {

/// Of the socket at which the service of a card is found, below the data directory.
std::string card_socket_path(uint32_t card);

/// The card for a worker or backend of this number, see card_for(). Nothing: none is ready.
std::optional<ReadyCard> ready_card_for(uint32_t place);

/// The card whose service has this generation; null: it runs no more. The lock must be held.
const CardSlot* card_of(uint64_t generation);

/// What people call it: 'GPU 0: NVIDIA H200'. The lock must be held.
void write_label(char (&to)[128], const CardSlot&);

}  // namespace pg_ocr
