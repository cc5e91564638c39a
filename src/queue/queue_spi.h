// The queue's driver inside Postgres: statements over SPI, each in a transaction of its own.
#pragma once

#include <memory>

#include "queue/queue.h"

namespace pg_ocr {

/// `worker` is the key of the session advisory lock that this process holds for its whole life.
std::unique_ptr<Queue> make_spi_queue(int64_t worker);

}  // namespace pg_ocr
