// What ocr_check() asks: whether the programs that the server runs can be started here and now, and how locked in they
// are.
#include <memory>
#include <string>
#include <system_error>

#include "extension/rows.h"
#include "extension/settings.h"
#include "extension/wait_events.h"
#include "pg/guard.h"
#include "worker/engine_process.h"
#include "worker/http_process.h"

extern "C" {
PG_FUNCTION_INFO_V1(pg_ocr_probe_programs);
}

namespace pg_ocr {
namespace {

constexpr long hello_timeout_ms = 60000;

/// One program as it answered. Texts are UTF-8; empty: there is nothing to say.
struct Probe {
    std::string program;
    std::string version;
    std::string held;     ///< protections of its sandbox that hold
    std::string lacking;  ///< and that do not
    std::string trouble;  ///< why it cannot be used
};

/// False: the time is up. The statement can be cancelled meanwhile.
bool wait_for_word(int socket, TimestampTz deadline) {
    const long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
    if (left <= 0) return false;
    pg::protect([&] {
        const int happened =
            WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, socket,
                              left, wait_event(WaitFor::engine));
        if ((happened & WL_LATCH_SET) != 0) ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    });
    return true;
}

template <typename Process, typename Look>
void ask(Probe& probe, Process& process, Look&& look) {
    const TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), hello_timeout_ms);
    while (!look()) {
        if (process.closed()) {
            probe.trouble = "it " + process.obituary();
            return;
        }
        if (!wait_for_word(process.socket(), deadline)) {
            probe.trouble = "it said nothing for " + std::to_string(hello_timeout_ms / 1000) + " s";
            return;
        }
    }
}

void take_hello(Probe& probe, const std::string& version, const std::vector<Protection>& protections) {
    probe.version = version;
    probe.held = held_protections(protections);
    probe.lacking = missing_protections(protections);
}

Probe probe_engine(const WorkerSettings& settings) {
    Probe probe;
    probe.program = settings.engine.program;
    try {
        EngineProcess engine(settings.engine);
        ask(probe, engine, [&] {
            const std::optional<EngineMessage> message = engine.receive();
            if (!message) return false;
            if (const auto* hello = std::get_if<Hello>(&*message))
                take_hello(probe, hello->version, hello->protections);
            return true;
        });
    } catch (const ProtocolError& error) {
        probe.trouble = error.what();
    } catch (const std::system_error& error) {
        probe.trouble = error.what();
    }
    return probe;
}

Probe probe_http(HttpSettings settings) {
    Probe probe;
    probe.program = settings.program;
    settings.sandbox_required = false;  // what it lacks is said, and judged by who asks
    try {
        HttpProcess http(settings);
        ask(probe, http, [&] {
            (void)http.receive();
            if (!http.hello()) return false;
            take_hello(probe, http.hello()->version, http.hello()->protections);
            return true;
        });
    } catch (const ProtocolError& error) {
        probe.trouble = error.what();
    } catch (const std::system_error& error) {
        probe.trouble = error.what();
    }
    return probe;
}

void put(Tuplestorestate* rows, TupleDesc description, const Probe& probe) {
    const std::string* texts[] = {&probe.program, &probe.version, &probe.held, &probe.lacking, &probe.trouble};
    pg::protect([&] {
        Datum values[lengthof(texts)];
        bool nulls[lengthof(texts)];
        for (size_t i = 0; i < lengthof(texts); ++i) {
            nulls[i] = texts[i]->empty();
            values[i] = CStringGetTextDatum(texts[i]->c_str());
        }
        tuplestore_putvalues(rows, description, values, nulls);
    });
}

}  // namespace
}  // namespace pg_ocr

Datum pg_ocr_probe_programs(PG_FUNCTION_ARGS) {
    using namespace pg_ocr;
    TupleDesc description = nullptr;
    Tuplestorestate* rows = begin_rows(fcinfo, &description);
    pg::enter([&] {
        const WorkerSettings settings = worker_settings();
        put(rows, description, probe_engine(settings));
        put(rows, description, probe_http(settings.http));
        return 0;
    });
    return 0;
}
