// Numbers that all sessions share and that may be lost: how far the turns of a lane have come, what flows owe. See
// sql/functions/turns.sql.
#pragma once

#include <cstdint>

#include "pg/pg.h"

namespace pg_ocr {

enum class TallyOf : uint8_t { lane = 1, flow = 2 };

/// Of the whole cluster, in shared memory. Entries are never given back: with all of them taken, as by the batches of
/// years, new ones count nothing, and fairness is a little less exact until the server is restarted.
struct Tallies {
    static constexpr uint32_t count = 1u << 15;
    struct {
        pg_atomic_uint64 key;  ///< 0: free
        pg_atomic_uint64 value;
    } entries[count];
};

/// Once, where the memory is made.
void initialise(Tallies&);

}  // namespace pg_ocr
