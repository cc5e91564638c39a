// The courier of a database: takes what is due from the outbox, has pg_ocr_http post it, many at once, and records what
// came of it (commit). What is on its way is in its memory only: what a crash cuts off is sent again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/outbox.h"
#include "worker/counters.h"
#include "worker/http_process.h"
#include "worker/wake.h"

namespace pg_ocr {

/// What the courier needs of the process that it runs in.
class CourierHost {
  public:
    virtual ~CourierHost() = default;
    /// Waits until fd (-1: none) is readable, somebody nudges the courier, it is to stop, or timeout_ms are over.
    virtual Wake wait(int fd, int64_t timeout_ms) = 0;
    /// From now on a commit may nudge this courier; called before it looks into the outbox.
    virtual void show_looking() = 0;
    /// From now on a commit asks for a new courier; called before the last look.
    virtual void show_leaving() = 0;
    /// Called before the program dies, too, so that an exit handler never kills a stranger. Null: there is none.
    virtual void show_http(HttpProcess* http) = 0;
    /// Asked after the outbox has refused: false where the extension has been dropped meanwhile.
    virtual bool still_wanted() = 0;
    virtual void count(Counter) = 0;
    virtual void log(const std::string& message) = 0;
    virtual void warn(const std::string& message) = 0;
};

class Courier {
  public:
    /// `settings` is asked before the program is started, so that a reload is seen.
    Courier(Outbox& outbox, CourierHost& host, HttpSettings (*settings)())
        : outbox_(outbox), host_(host), settings_(settings) {}
    /// Until the host says stop, or there has been nothing to do for a while. Returns in how many milliseconds the next
    /// delivery falls due, 0 where that is not known; nothing: none is pending.
    std::optional<int64_t> run();

  private:
    struct UnderWay {
        std::string event_id;
        std::string webhook;
        int64_t deadline_ms = 0;  ///< a program that has not answered by then is stuck
    };

    int64_t look();
    Load load() const;
    bool ensure_http();
    void send(const Delivery& delivery);
    void collect();
    void note(const HttpResponse& response);
    void lose_http(const std::string& why);
    void record();
    void finish();

    Outbox& outbox_;
    CourierHost& host_;
    HttpSettings (*settings_)();
    std::unique_ptr<HttpProcess> http_;
    std::map<int64_t, UnderWay> under_way_;  ///< by the delivery's id, which is the request's as well
    std::vector<Attempt> outcomes_;          ///< to be recorded
    std::set<std::string> silent_;           ///< webhooks whose last attempt had no answer
    std::string last_webhook_;
    std::optional<int64_t> next_in_ms_;
    int64_t busy_until_ms_ = 0;  ///< as long as this it stays, without anything to do
    int64_t http_not_before_ms_ = 0;
    int64_t http_backoff_ms_ = 0;
    bool greeted_ = false;  ///< the present program has said hello
};

}  // namespace pg_ocr
