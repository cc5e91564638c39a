// The outbox of webhooks as the courier sees it. What is due and what an attempt leads to is written once, in SQL;
// outbox_spi.cpp only carries it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/http_message.h"

namespace pg_ocr {

struct Delivery {
    int64_t id = 0;
    std::string event_id;  ///< the same at every attempt, and never given twice
    std::string webhook;
    std::string payload;
    Options options;  ///< of the webhook's server and of the owner's user mapping
};

/// What came of one attempt.
struct Attempt {
    int64_t delivery_id = 0;
    std::string event_id;
    bool delivered = false;
    int32_t http_status = 0;  ///< 0: there was no answer
    uint32_t latency_ms = 0;
    uint32_t retry_after_s = 0;
    std::string answer;  ///< the beginning of its body
    std::string error;   ///< why it failed; never empty then
};

/// What the courier has on its way, and what more it may take.
struct Load {
    std::vector<int64_t> deliveries;  ///< not to be given out again
    std::map<std::string, int> free;  ///< how many more, of the webhooks that have some on their way
    std::string after;                ///< the webhook whose turn it was last
    int free_per_webhook = 0;         ///< of the others
    int room = 0;                     ///< in all
};

struct DueDeliveries {
    std::vector<Delivery> deliveries;
    /// Milliseconds until the next falls due, of those that could be taken then; 0: at once, though another session may
    /// have locked it. Nothing: none is pending, or the room is used up.
    std::optional<int64_t> next_in_ms;
};

/// Every call is one committed transaction, or throws QueueError and has changed nothing.
class Outbox {
  public:
    virtual ~Outbox() = default;
    virtual DueDeliveries due(const Load&) = 0;
    /// Of each attempt, whether it is settled. One that is not was not written, as another session has a lock on it.
    virtual std::vector<bool> record(const std::vector<Attempt>&) = 0;
};

/// The outbox of this session's database, over SPI.
std::unique_ptr<Outbox> make_spi_outbox();

}  // namespace pg_ocr
