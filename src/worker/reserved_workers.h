// Which of a database's workers read documents of one tier before all others, as pg_ocr.reserved_workers says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "document/document.h"

namespace pg_ocr {

struct ReservedWorkers {
    Tier tier = Tier::balanced;
    uint32_t count = 0;
};

/// 'accurate=1, fast=2'; empty: none. Throws std::invalid_argument, saying what is wrong with it.
std::vector<ReservedWorkers> reserved_workers_of(std::string_view setting);

/// How many that are together.
uint32_t count_of(const std::vector<ReservedWorkers>&);

/// The tier of the worker that has so many before it in its database. Nothing: it is reserved for none.
std::optional<Tier> tier_of_worker(const std::vector<ReservedWorkers>&, uint32_t workers_before);

}  // namespace pg_ocr
