// What an engine and the service of a card say to each other, and the service and who started it, in frames. Every
// decode checks lengths, ranges and enumerations, and throws ProtocolError.
//
//   parent → service   listen    once, with the socket on which engines' workers connect
//   service → parent   ready     once the card is open
//   service → parent   report    when lines were read or engines came or went, at most once a second
//   service → parent   complaint what is wrong, and not its end, for the log; at most once a second
//
//   service → engine   welcome   once, with the memory that both share, sealed in its size
//   engine → service   forward   one at a time: its lines' pixels are at the beginning of the memory
//   service → engine   scored    their scores are at the place that scores_begin() tells, or why there are none
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/frame.h"

namespace pg_ocr {

enum class CardMessageType : uint8_t { listen = 1, ready, report, welcome, forward, scored, complaint };

/// Frames between an engine and the service are short.
inline constexpr uint32_t longest_card_frame = 64u << 10;

struct CardReady {
    std::string version;  ///< pg_ocr's
    std::string card;     ///< 'NVIDIA H200'
    uint64_t memory = 0;  ///< bytes that it took of the card's
};

/// Sums since the service was started, but for engines, who are there now.
struct CardReport {
    uint32_t engines = 0;
    uint64_t lines = 0;
    uint64_t batches = 0;
    uint64_t refused = 0;  ///< lines that went back unread
    uint64_t busy_us = 0;  ///< microseconds in which a batch was on the card
};

struct CardWelcome {
    std::string version;  ///< pg_ocr's
    uint64_t memory = 0;  ///< bytes that are shared
};

struct ForwardRequest {
    uint64_t id = 0;
    bool is_interactive = false;   ///< somebody waits: goes before others
    std::string model;             ///< a file of the service's directory of models, without its ending: 'eng'
    uint64_t fingerprint = 0;      ///< of the network that the engine has, see recognise::Network
    std::vector<uint32_t> widths;  ///< pixels across of each line, which has the network's height; never none
};

enum class CardAnswer : uint8_t {
    scored,
    unknown_model,  ///< there is none of the name, or it is another, or the card has no way to run it
    too_large,      ///< the lines or their scores do not fit
    busy,           ///< so many lines wait that the engine is faster by itself
    lost,           ///< the card does not answer
};

struct ForwardAnswer {
    uint64_t id = 0;
    CardAnswer answer = CardAnswer::scored;
};

/// Where in the memory the scores of lines begin, whose pixels are so many: line by line, recognise::StepScores.
constexpr uint64_t scores_begin(uint64_t pixels) { return (pixels + 63) / 64 * 64; }

std::string encode(const CardReady&);
std::string encode(const CardReport&);
std::string encode_complaint(const std::string&);
std::string encode(const CardWelcome&);
std::string encode(const ForwardRequest&);
std::string encode(const ForwardAnswer&);

CardReady decode_card_ready(const std::string&);
CardReport decode_card_report(const std::string&);
std::string decode_complaint(const std::string&);
CardWelcome decode_card_welcome(const std::string&);
ForwardRequest decode_forward(const std::string&);
ForwardAnswer decode_scored(const std::string&);

}  // namespace pg_ocr
