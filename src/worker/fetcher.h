// Fetches a worker's documents from stores: through a pg_ocr_http that is kept from one to the next, or from a
// directory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "worker/fetched.h"
#include "worker/host.h"
#include "worker/http_process.h"

namespace pg_ocr {

class Fetcher {
  public:
    explicit Fetcher(Host& host) : host_(host) {}
    /// One document, of at most max_size bytes. `wait` is as Host::wait, and says false where the document is not
    /// wanted any more: then there is nothing. Whatever happens to pg_ocr_http is a failure of this document only.
    std::optional<Fetched> fetch(const HttpSettings&, const Options& store, const std::string& key, uint64_t max_size,
                                 const std::function<bool(int fd, int64_t timeout_ms)>& wait);
    /// Ends pg_ocr_http, where one runs.
    void drop_http();

  private:
    std::optional<Fetched> fetch_by_http(const Options& store, const std::string& key, uint64_t max_size,
                                         const std::function<bool(int fd, int64_t timeout_ms)>& wait);
    void ensure_http(const HttpSettings&);
    void tell_of_hello();

    Host& host_;
    HttpSettings settings_;
    std::unique_ptr<HttpProcess> http_;
    bool told_ = false;  ///< of the present process' sandbox
    uint64_t last_id_ = 0;
};

}  // namespace pg_ocr
