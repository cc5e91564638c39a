// What a transaction wants done at its commit: workers woken, a running job interrupted, waiters told of an end.
// Nothing of it happens when the transaction rolls back. COMMIT PREPARED does not come by here: polling covers that.
#pragma once

#include <cstdint>

namespace pg_ocr {

/// Hooks into the transaction's end; from _PG_init only.
void register_wake();

/// One idle worker of this database more is to look into the queue.
void wake_worker_at_commit();
/// The workers that read this job are to check their claim.
void interrupt_job_at_commit(int64_t job_id);
/// The courier of this database is to look into the outbox; the launcher is to start one where there is none.
void wake_courier_at_commit();
/// Sessions that wait for a job's end are to look again.
void announce_job_end_at_commit();

}  // namespace pg_ocr
