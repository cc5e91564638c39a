// What takes the place of best_backend() in benchmarks, by the linker's --wrap; see CMakeLists.txt.
#pragma once

#include "recognise/backend.h"

/// Null: the machine's best, as without it.
extern const pg_ocr::recognise::Backend* chosen_backend;
