// What the processes of pg_ocr share: who works where, and whom to wake. Fixed size, no pointers of any process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "document/document.h"
#include "extension/tallies.h"
#include "pg/pg.h"
#include "worker/counters.h"

namespace pg_ocr {

enum class WorkerState : uint8_t { free, starting, idle, fetching, reading, unavailable, ended };

enum class Presence : uint8_t { unknown, there, missing };

/// One background worker, be it a worker or a courier, under the lock. The launcher takes a free slot and gives an
/// ended one back; in between the worker writes it. The slots, not the launcher's memory, say which workers there are:
/// a launcher that is replaced adopts them.
struct WorkerSlot {
    WorkerState state;
    bool is_courier;       ///< delivers webhooks instead of reading; it is idle as long as it looks into the outbox
    bool stopping;         ///< it has been told to go, or has begun to; another may be started in its place
    bool surplus;          ///< it is to go after its present page, unless it is wanted again before that
    bool nudged;           ///< somebody has taken this idle worker for a job that was just committed
    bool colleague_ended;  ///< another worker of its database has ended since it looked last
    Presence extension;    ///< whether the worker has found the extension in its database
    pid_t pid;             ///< 0 until it runs
    Oid database;
    int64_t job_id;   ///< 0: none
    int32_t page_no;  ///< 0: none
    TimestampTz started;
    TimestampTz since;  ///< of the state
    int64_t documents;
    pid_t engine_pid;  ///< 0: none
    bool is_reserved;  ///< for documents of this tier:
    Tier tier;
    TimestampTz due;    ///< of a courier that has ended: when another is needed; 0: when somebody asks
    char trouble[256];  ///< of an unavailable one: why its engine does not start; UTF-8
    uint64_t card;      ///< the generation of the service of a card that its engine was given and has not left; 0: none
};

enum class CardState : uint8_t { off, starting, ready, down };

/// The service of one card, under the lock; the launcher writes it.
struct CardSlot {
    CardState state;
    uint64_t generation;  ///< of its service; no two have the same
    pid_t pid;            ///< 0: none runs
    char name[96];        ///< of the card; empty until it was ready once
    uint64_t memory;      ///< bytes that it has taken of it
    TimestampTz since;    ///< of the state
    uint32_t engines;     ///< that are connected
    uint64_t busy_us;     ///< since it was ready: in which a batch was on the card
    uint64_t starts;      ///< since the server started, as all that follow
    uint64_t lines;
    uint64_t batches;
    uint64_t refused;  ///< lines that went back unread
    uint64_t all_busy_us;
    char trouble[256];  ///< why it was not ready or has ended, until it is ready again; UTF-8
};

/// A database that a command needs for itself: no worker is started there before this time.
struct Reservation {
    Oid database;
    TimestampTz until;
};

/// Databases in which somebody wants something that the launcher is to start.
struct Wishes {
    Oid databases[32];
    int count;
};

struct SharedState {
    LWLock* lock;
    pid_t launcher;  ///< 0: not running
    Wishes wanted;   ///< workers, where there are none; more than fit set `look_everywhere`
    bool look_everywhere;
    int workers_missing;     ///< for which the launcher found no slot when it looked last
    int workers_too_large;   ///< for which pg_ocr.memory had no room then
    char held_back[192];     ///< why fewer workers run than are wanted, by the machine's memory or load; else empty
    Wishes couriers_wanted;  ///< where none looks into the outbox; more than fit set `couriers_everywhere`
    bool couriers_everywhere;
    Reservation reservations[8];
    pg_atomic_uint64 jobs_ended;
    pg_atomic_uint64 counters[counter_count];
    ConditionVariable job_ended;
    Tallies tallies;
    CardSlot cards[8];
    uint64_t card_generations;       ///< how many there were
    uint32_t cards_without_library;  ///< that were found, and nothing to drive them
    int slot_count;
    WorkerSlot slots[FLEXIBLE_ARRAY_MEMBER];
};

/// Asks for the memory; from _PG_init only.
void request_shared_state();
/// Raises ERROR where the library was not preloaded.
SharedState& shared_state();

/// Once more.
inline void count(Counter counter) {
    pg_atomic_fetch_add_u64(&shared_state().counters[static_cast<size_t>(counter)], 1);
}

/// As much of it as there is room for; never a part of a character.
template <size_t N>
void copy_text(char (&to)[N], const std::string& utf8) {
    size_t length = std::min(utf8.size(), N - 1);
    while (length > 0 && length < utf8.size() && (static_cast<unsigned char>(utf8[length]) & 0xC0) == 0x80) --length;
    utf8.copy(to, length);
    to[length] = '\0';
}

/// SIGTERM, unless it has had one: it gives back what it is at. The lock must be held.
void terminate_once(WorkerSlot& slot);

/// Sets the latch of a process of this cluster; nothing where there is none of that pid. The lock must not be held.
void wake_process(pid_t pid);

}  // namespace pg_ocr
