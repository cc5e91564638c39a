// The launcher: one per cluster. It finds the databases that have the extension and keeps their workers running.
#pragma once

namespace pg_ocr {

/// Registers the launcher with the postmaster; from _PG_init only.
void register_launcher();

}  // namespace pg_ocr
