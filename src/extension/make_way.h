// Commands that need a database to themselves (DROP, RENAME, CREATE … TEMPLATE) find no worker of pg_ocr in their way.
#pragma once

namespace pg_ocr {

/// Hooks into utility commands; from _PG_init only.
void register_make_way();

}  // namespace pg_ocr
