// Where the extension is dropped, its schedules in pg_cron go with it: they could only fail from then on.
#pragma once

namespace pg_ocr {

/// From _PG_init only.
void register_end_schedules();

}  // namespace pg_ocr
