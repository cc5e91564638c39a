// The background worker that delivers webhooks: connects, and hands over to the courier's loop.
#include <memory>
#include <string>

#include "extension/session.h"
#include "extension/settings.h"
#include "pg/guard.h"
#include "queue/outbox.h"
#include "worker/courier.h"

extern "C" PGDLLEXPORT void pg_ocr_courier_main(Datum);

namespace pg_ocr {
namespace {

HttpProcess* my_http = nullptr;

void leave(int, Datum) {
    if (my_http != nullptr) my_http->kill_now();
    my_http = nullptr;
    leave_slot([](WorkerSlot&) {});
}

class BackgroundCourierHost final : public CourierHost {
  public:
    Wake wait(int fd, int64_t timeout_ms) override {
        // The latch alone is not enough: whatever waits for a lock within a transaction resets it.
        bool nudged = false;
        change_slot([&](WorkerSlot& mine) {
            nudged = mine.nudged;
            mine.nudged = false;
        });
        return wait_in_session(fd, nudged ? 0 : timeout_ms, WaitFor::webhooks);
    }

    void show_looking() override {
        change_slot([](WorkerSlot& mine) { mine.state = WorkerState::idle; });
    }

    void show_leaving() override {
        change_slot([](WorkerSlot& mine) { mine.state = WorkerState::unavailable; });
    }

    void show_http(HttpProcess* http) override {
        my_http = http;
        change_slot([&](WorkerSlot& mine) { mine.engine_pid = http == nullptr ? 0 : http->pid(); });
    }

    bool still_wanted() override { return extension_is_there(); }
    void count(Counter counter) override { pg_ocr::count(counter); }
    void log(const std::string& message) override { say(LOG, message); }
    void warn(const std::string& message) override { say(WARNING, message); }
};

/// What an attempt came to may be lost with the last moments before a crash: then it is made again, as it would be had
/// the crash come a moment earlier. So no delivery waits for the disk, or for a standby.
void shield_from_waiting() { SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_OVERRIDE); }

void deliver() {
    if (!extension_is_there()) return;
    BackgroundCourierHost host;
    std::unique_ptr<Outbox> outbox = make_spi_outbox();
    const std::optional<int64_t> next_in_ms = Courier(*outbox, host, http_settings).run();
    const TimestampTz due =
        next_in_ms ? TimestampTzPlusMilliseconds(GetCurrentTimestamp(), *next_in_ms) : TimestampTz{DT_NOEND};
    change_slot([&](WorkerSlot& mine) { mine.due = due; });
}

}  // namespace
}  // namespace pg_ocr

void pg_ocr_courier_main(Datum argument) {
    using namespace pg_ocr;
    if (!begin_session(DatumGetInt32(argument), "pg_ocr courier", leave)) return;
    pg::enter([] {
        pg::protect(shield_from_waiting);
        deliver();
        return 0;
    });
}
