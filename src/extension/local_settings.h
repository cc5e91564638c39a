// Settings that hold until the caller's NewGUCNestLevel() ends.
#pragma once

#include "pg/pg.h"

namespace pg_ocr {

inline void set_here(const char* name, const char* value) {
    (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/// Values of keys are written as any session reads them again: 01/02/2026 may be the 1st of February or the 2nd of
/// January.
inline void write_keys_alike() {
    set_here("datestyle", "ISO");
    set_here("intervalstyle", "postgres");
    set_here("extra_float_digits", "3");
}

}  // namespace pg_ocr
