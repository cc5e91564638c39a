// The service of a card: engines connect, each shares memory with it, and their lines are read on the card in batches.
// What engines say is not trusted: one that breaks the protocol loses its connection, and nobody else notices.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gpu/batch_runner.h"
#include "gpu/card.h"
#include "gpu/loaded_networks.h"
#include "gpu/shared_lines.h"
#include "protocol/card_message.h"
#include "protocol/frame.h"

namespace pg_ocr {

struct CardServiceSettings {
    std::string models;                     ///< the directory of *.traineddata
    size_t most_engines = 0;                ///< that may be connected at a time
    size_t shared_bytes = 32u << 20;        ///< of memory for each engine
    BatchLimits batches;                    ///< of 0 lines: as many as the card takes
    std::chrono::milliseconds hung{10000};  ///< a batch that is on the card for so long will never end
};

class CardService {
  public:
    /// The card is open, and outlives this. `parent`: the socket to who started this.
    CardService(const CardTable&, Card*, const CardInfo&, CardServiceSettings, int parent);
    /// Serves engines until the parent hangs up. Throws std::runtime_error where the card is lost or hangs, with why;
    /// in a card that hangs, threads do too: the process is to be ended without them. Throws ProtocolError and
    /// std::system_error where the parent or the machine is to blame.
    void run();

  private:
    struct Engine {
        Engine(UniqueFd to, size_t shared_bytes)
            : socket(std::move(to)),
              channel(socket.get(), longest_card_frame),
              shared(std::make_shared<SharedLines>(shared_bytes)) {}
        UniqueFd socket;
        Channel channel;
        std::shared_ptr<SharedLines> shared;
        bool waits = false;  ///< for an answer
    };
    using Engines = std::map<uint64_t, Engine>;

    bool hear_parent();
    void accept_engines();
    bool hear(uint64_t id, Engine&);
    void forward(uint64_t id, Engine&, const std::string& body);
    std::optional<CardAnswer> queue(uint64_t id, Engine&, const ForwardRequest&);
    void answer(Engine&, uint64_t request, CardAnswer);
    Engines::iterator drop(Engines::iterator);
    void answer_done();
    void check_card() const;
    void report();
    void complain(const std::string&);
    int timeout_ms() const;

    const CardTable& table_;
    Card* card_;
    CardServiceSettings settings_;
    Channel parent_;
    int parent_socket_;
    UniqueFd listening_;
    LoadedNetworks networks_;
    Engines engines_;
    uint64_t last_engine_ = 0;
    uint64_t refused_ = 0;  ///< lines
    CardReport reported_;
    CardClock::time_point reported_at_;
    CardClock::time_point complained_at_;
    BatchRunner runner_;  ///< the last: its threads use what is above
};

}  // namespace pg_ocr
