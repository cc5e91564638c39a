// The services of the cards, as the launcher keeps them running.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "extension/shared_state.h"
#include "worker/backoff.h"
#include "worker/card_process.h"

namespace pg_ocr {

class CardServices {
  public:
    /// Whatever a launcher before this one has left is forgotten.
    CardServices();
    ~CardServices() { kill_now(); }
    CardServices(const CardServices&) = delete;
    CardServices& operator=(const CardServices&) = delete;

    /// Starts and ends services as the settings say, takes in what they have said, and mourns those that have ended.
    void look();
    /// Readable when look() has something to take in.
    int descriptor() const { return events_.get(); }
    /// Milliseconds until look() has something to do in any case.
    long until_next_look() const;
    /// Allocates nothing: an exit callback may call it where no destructor runs.
    void kill_now() noexcept;

  private:
    struct Service {
        std::optional<CardSettings> settings;  ///< nothing: it is not wanted
        std::unique_ptr<CardProcess> process;  ///< null: it does not run
        int64_t started_ms = 0;
        int64_t ready_ms = 0;  ///< 0: it is not
        int64_t due_ms = 0;    ///< when it is to be started
        CardReport seen;       ///< what of its reports is in shared memory
        Backoff backoff;
    };

    std::vector<CardSettings> wanted();
    void listen_to(uint32_t card);
    void start(uint32_t card);
    void end(uint32_t card);
    void show_ready(uint32_t card);
    void show_report(uint32_t card);
    void mourn(uint32_t card, const std::string& how);
    static CardSlot& slot_of(uint32_t card) { return shared_state().cards[card]; }

    UniqueFd events_;
    std::array<Service, lengthof(SharedState::cards)> services_;
    bool told_of_library_ = false;
};

}  // namespace pg_ocr
