#include "extension/worker_lock.h"

#include "pg/guard.h"
#include "pg/spi.h"

namespace pg_ocr {
namespace {

int64_t held_key = 0;

}  // namespace

int64_t take_worker_lock() {
    if (!pg_strong_random(&held_key, sizeof(held_key)))
        throw pg::Error(ERRCODE_INTERNAL_ERROR, "there are no random numbers");
    pg::transaction("taking the worker's lock", [] { pg::protect(keep_worker_lock); });
    return held_key;
}

bool has_worker_lock() { return held_key != 0; }

void keep_worker_lock() {
    if (!has_worker_lock()) return;
    LOCKTAG tag;
    const auto key = static_cast<uint64>(held_key);
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<uint32>(key >> 32), static_cast<uint32>(key), 1);
#if PG_VERSION_NUM >= 170000
    const bool is_held = LockHeldByMe(&tag, ExclusiveLock, false);
#else
    const bool is_held = LockHeldByMe(&tag, ExclusiveLock);
#endif
    if (!is_held) LockAcquire(&tag, ExclusiveLock, true, false);
}

}  // namespace pg_ocr
