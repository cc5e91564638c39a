#include "extension/wait_events.h"

namespace pg_ocr {

#if PG_VERSION_NUM >= 170000
uint32 wait_event(WaitFor what) {
    static const char* const names[] = {"PgOcrLauncher", "PgOcrWork",     "PgOcrEngine",
                                        "PgOcrHttp",     "PgOcrWebhooks", "PgOcrJobEnd"};
    static uint32 events[lengthof(names)] = {};
    uint32& event = events[static_cast<size_t>(what)];
    if (event == 0) event = WaitEventExtensionNew(names[static_cast<size_t>(what)]);
    return event;
}
#else
uint32 wait_event(WaitFor) { return PG_WAIT_EXTENSION; }
#endif

}  // namespace pg_ocr
