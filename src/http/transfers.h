// Many transfers at once, in one thread: libcurl says which sockets it waits for, and epoll which are ready.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "http/transfer.h"

namespace pg_ocr::http {

class Transfers {
  public:
    using Answered = std::function<void(const HttpResponse&, UniqueFd document)>;
    /// At most `most_active` are under way; the others wait for their turn. Throws std::system_error, std::bad_alloc.
    Transfers(const Trust& trust, size_t most_active, Answered answered);
    ~Transfers();
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    /// Throws ProtocolError where the id is that of an open request.
    void add(HttpRequest request, UniqueFd content);
    size_t open() const { return transfers_.size(); }

    /// Readable when run() has something to do.
    int fd() const { return epoll_.get(); }
    /// Milliseconds until run() has something to do though fd() is not readable; -1: it has not.
    int timeout_ms() const;
    void run();

  private:
    void start(Transfer&);
    void finish(Transfer&);
    void take_ended();
    void start_due();
    static int on_socket(CURL*, curl_socket_t, int what, void* self, void*);
    static int on_timer(CURLM*, long timeout_ms, void* self);

    const Trust& trust_;
    const size_t most_active_;
    Answered answered_;
    UniqueFd epoll_;
    CURLM* multi_ = nullptr;
    std::unordered_map<uint64_t, std::unique_ptr<Transfer>> transfers_;
    std::unordered_map<uint64_t, CURL*> active_;
    std::deque<uint64_t> waiting_;                    ///< for a place
    std::multimap<Clock::time_point, uint64_t> due_;  ///< next attempts
    std::optional<Clock::time_point> curl_due_;
};

}  // namespace pg_ocr::http
