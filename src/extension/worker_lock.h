// The lock that says of a worker that it lives: whatever it has claimed is its own as long as it holds this.
#pragma once

#include <cstdint>

namespace pg_ocr {

/// A session's advisory lock with a random key, which this returns: it dies with this process, and nobody else has had
/// it before.
int64_t take_worker_lock();

/// Whether this process has taken one: it is a worker.
bool has_worker_lock();

/// Takes the lock again where functions of a user, which ran in this session, have released it. In processes that took
/// none, nothing.
void keep_worker_lock();

}  // namespace pg_ocr
