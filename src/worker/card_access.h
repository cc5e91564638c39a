// An engine's way to a card, as the process has it whose engine it is: when it is given one, and when one anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/message.h"
#include "worker/backoff.h"

namespace pg_ocr {

class EngineProcess;

/// A card whose service takes engines.
struct ReadyCard {
    uint64_t generation = 0;  ///< of the service: no other has the same
    std::string path;         ///< of its socket
};

/// Which of the cards, by their numbers ready or not, is for a worker of this number: they are spread over the cards,
/// and each keeps to its own as long as that is ready. Nothing: none is.
std::optional<uint32_t> card_for(uint32_t place, const std::vector<bool>& ready);

/// One engine at a time, and those that follow it.
class CardAccess {
  public:
    /// Before a document: gives the idle engine a connection with this service, unless it has one, or has left it just
    /// now. Where that fails, or there is no service, the engine reads by itself. Returns whether it was given one.
    bool offer(EngineProcess&, const std::optional<ReadyCard>&, const CardGrant&, int64_t now_ms);
    /// After a document. An engine that has left its card is offered it again after a while, and another one at once.
    void note(const Finished&, int64_t now_ms);
    /// The engine is no more.
    void forget_engine() { generation_ = 0; }
    /// Of the service that the engine was given, and has not left; 0: of none.
    uint64_t generation() const { return generation_; }

  private:
    uint64_t generation_ = 0;
    uint64_t left_ = 0;  ///< the service that was left last
    int64_t not_before_ms_ = 0;
    Backoff backoff_;
};

}  // namespace pg_ocr
