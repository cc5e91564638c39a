// Where the extension is dropped, workers are not in the way, and its schedules in pg_cron go with it: they could only
// fail from then on.
#pragma once

namespace pg_ocr {

/// From _PG_init only.
void register_drop_extension();

}  // namespace pg_ocr
