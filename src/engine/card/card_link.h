// The engine's way to the service of a card. Whatever goes wrong with it, the engine reads by itself within a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "protocol/card_message.h"
#include "protocol/frame.h"
#include "recognise/line.h"

namespace pg_ocr {

/// What of a model the service is to know, and what of its scores.
struct NetworkOnCard {
    std::string model;  ///< its file's name without the ending: 'eng'
    uint64_t fingerprint = 0;
    uint32_t x_scale = 1;
    uint32_t classes = 0;
    int32_t null_code = 0;
};

class CardLink {
  public:
    CardLink();
    ~CardLink();
    CardLink(const CardLink&) = delete;
    CardLink& operator=(const CardLink&) = delete;

    /// A socket to the service, which has not spoken yet. It takes the place of the one before.
    void connect(UniqueFd socket, bool is_interactive);
    /// In the order of the lines, what a search needs of their scores (see recognise::scores_of), bit by bit what the
    /// CPU makes of them where the network is of integers. Nothing for a line of which it takes more; and none at all
    /// where there is no card, it is not worth the way, or the service cannot or does not answer. Such lines the CPU is
    /// to read. Throws std::bad_alloc.
    std::vector<std::optional<recognise::Scores>> forward(const NetworkOnCard&,
                                                          std::span<const recognise::LineImage> lines);
    /// Lines that the card read since this was asked last.
    uint64_t take_lines();
    /// Why a card was left since this was asked last; empty: none was.
    std::string take_trouble();

  private:
    using Clock = std::chrono::steady_clock;
    struct Memory;

    void leave(const std::string& why);
    Frame next_frame(CardMessageType, Clock::time_point until);
    void welcome(Clock::time_point until);
    /// How many lines from the first on fit into the memory with their scores.
    size_t fitting(const NetworkOnCard&, std::span<const recognise::LineImage> lines) const;
    CardAnswer ask(const NetworkOnCard&, std::span<const recognise::LineImage> lines, Clock::time_point until);
    void take_scores(const NetworkOnCard&, std::span<const recognise::LineImage> lines,
                     std::vector<std::optional<recognise::Scores>>& to) const;

    UniqueFd socket_;
    std::optional<Channel> channel_;
    std::unique_ptr<Memory> memory_;  ///< once the service has welcomed this engine
    bool is_interactive_ = false;
    uint64_t last_id_ = 0;
    std::set<std::string> unknown_;  ///< models that the service does not run
    uint64_t lines_ = 0;
    std::string trouble_;
};

}  // namespace pg_ocr
