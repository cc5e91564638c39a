// What pg_stat_activity says that a process waits for.
#pragma once

#include "pg/pg.h"

namespace pg_ocr {

enum class WaitFor : uint8_t { launcher, work, engine, http, webhooks, job_end };

/// The wait event: from PostgreSQL 17 on one with a name of its own, such as PgOcrEngine; before, Extension. The first
/// call for each may raise an ERROR.
uint32 wait_event(WaitFor);

}  // namespace pg_ocr
