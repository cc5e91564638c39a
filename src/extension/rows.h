// What a function returns that returns rows.
#pragma once

#include "pg/pg.h"

namespace pg_ocr {

/// Sets up a result of rows and returns where to put them; an ERROR where none are accepted.
Tuplestorestate* begin_rows(FunctionCallInfo fcinfo, TupleDesc* description);

}  // namespace pg_ocr
