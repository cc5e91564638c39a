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
    /// What a provider answers to a page's image, a sealed memfd: its JSON, of at most max_size bytes, as a document.
    /// The rest is as for fetch().
    std::optional<Fetched> ask(const HttpSettings&, const Options& server, const std::string& languages, int image,
                               uint64_t max_size, const std::function<bool(int fd, int64_t timeout_ms)>& wait);
    /// Ends pg_ocr_http, where one runs.
    void drop_http();

  private:
    std::optional<Fetched> exchange(const HttpSettings&, HttpRequest, int content,
                                    const std::function<bool(int fd, int64_t timeout_ms)>& wait);
    std::optional<Fetched> await_answer(const HttpRequest&,
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
