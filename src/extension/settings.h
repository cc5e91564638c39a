// The pg_ocr.* settings, as C++ values.
#pragma once

#include <string>
#include <vector>

#include "worker/card_process.h"
#include "worker/http_process.h"
#include "worker/loop.h"
#include "worker/reserved_workers.h"
#include "worker/throttle.h"

namespace pg_ocr {

/// Declares the settings; from _PG_init only.
void define_settings();

/// Background workers per database that has the extension.
int worker_count();
/// How many engines pg_ocr.memory has room for, at least one; INT_MAX: it sets no bound.
int engines_in_memory();
/// When fewer workers are to run.
ThrottleLimits throttle_limits();
/// How many of them, the first ones, read documents of which tier before all others.
std::vector<ReservedWorkers> reserved_workers();
/// What the settings say now, with the engine's program and memory worked out.
WorkerSettings worker_settings();
/// The same for pg_ocr_http.
HttpSettings http_settings();
enum class Gpu : uint8_t { automatic, off, stand_in };

/// Whether lines are to be read on cards.
Gpu gpu();
/// For the service of a card, in the way that gpu() says.
CardSettings card_settings(uint32_t card);
/// Where Tesseract's models are: pg_ocr.tessdata_path, or where the distribution puts them.
std::string tessdata_path();

}  // namespace pg_ocr
