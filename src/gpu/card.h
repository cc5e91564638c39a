// A card that runs networks, as the service pg_ocr_gpu wants it: a table of functions, of a library that is loaded
// where there is a card, or of the CPU's stand-in. Nothing is thrown through it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "recognise/backend.h"
#include "recognise/network.h"
#include "recognise/step_scores.h"

namespace pg_ocr {

/// What a table keeps of an open card, and of a network on it. Each table has its own.
struct Card;
struct CardNetwork;

/// What came of opening a card.
struct CardInfo {
    char name[96];        ///< 'NVIDIA H200'
    char error[256];      ///< why it could not be opened, and what to do
    uint64_t memory;      ///< bytes that it took there, which do not grow
    uint32_t most_lines;  ///< of a batch
    uint32_t at_once;     ///< batches, each in a thread of its own
};

enum class CardOutcome : uint8_t {
    done,
    too_large,  ///< more than most_columns() or most_lines: nothing was done, and smaller batches will be
    lost,       ///< the card does not answer any more, or answers with an error: nothing else will be done on it
};

struct CardTable {
    uint32_t version;  ///< card_version, of when it was compiled
    const char* name;
    /// The card of this number, with at most so many bytes of its memory; less where there is less, to begin with half
    /// of it, and so on. Null, with `error`, where there is no such card, no driver or one that is too old.
    Card* (*open)(uint32_t number, uint64_t memory, CardInfo*);
    void (*close)(Card*);
    /// Null where it has no way to run such layers, or no memory. Nothing of the network is kept.
    CardNetwork* (*compile)(Card*, const recognise::Network*);
    void (*release)(CardNetwork*);
    /// Pixels across of all lines of a batch together.
    uint32_t (*most_columns)(const CardNetwork*);
    /// steps[i]: of line i, its steps (width / x_scale), as recognise::step_scores_of() finds them in its scores.
    /// Called by up to CardInfo::at_once threads.
    CardOutcome (*forward)(const CardNetwork*, const recognise::LinePixels* lines, size_t count,
                           recognise::StepScores* const* steps);
    /// Why the card was lost; empty: it was not. The text lives as long as the card.
    const char* (*trouble)(const Card*);
};
inline constexpr uint32_t card_version = 1;

/// What a library of cards exports under this name: const CardTable* pg_ocr_card_table().
inline constexpr const char* card_table_symbol = "pg_ocr_card_table";
using CardTableOf = const CardTable* (*)();

/// The CPU's recogniser as a card: for tests, and to measure the service by itself.
extern const CardTable stand_in_card;

}  // namespace pg_ocr
