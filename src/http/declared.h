// The options of a store or webhook as they were declared, and what every one of them has.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_message.h"

namespace pg_ocr::http {

/// What ends a request before, or instead of, an answer. Its message is for the user.
struct StoreError : std::runtime_error {
    StoreError(ErrorCode code, const std::string& message) : std::runtime_error(message), failure{code, message} {}
    Failure failure;
};

class Declared {
  public:
    explicit Declared(const Options& options) : options_(options) {}
    /// As declared; `otherwise` where it was not, or is empty.
    std::string text(std::string_view name, const std::string& otherwise = "") const;
    /// Throws StoreError(store_refused) where it is missing.
    std::string required(std::string_view name) const;
    /// Throws StoreError(store_refused) where it is no number of 1 to 86400.
    long seconds(std::string_view name, long otherwise) const;
    bool flag(std::string_view name) const;
    /// Values that no message may show.
    std::vector<std::string> secrets() const;

  private:
    const Options& options_;
};

/// How a connection to it is made.
struct ConnectionRules {
    long connect_timeout_s = 10;
    long timeout_s = 300;       ///< for the request with all its attempts
    long stall_timeout_s = 30;  ///< 0: none
    bool allow_private_addresses = false;
    std::string ca_certificate;  ///< PEM; empty: the system's
};
ConnectionRules connection_rules_of(const Declared&, HttpOperation);

/// Where the requests go.
struct Endpoint {
    std::string scheme;  ///< http or https
    std::string host;    ///< lower case; an IPv6 address in brackets
    std::string port;    ///< empty: the scheme's own
    std::string path;    ///< as in the URL; empty or beginning with /
    std::string query;   ///< as in the URL, without ?
    std::string authority() const { return port.empty() ? host : host + ":" + port; }
    std::string origin() const { return scheme + "://" + authority(); }
};
/// Throws StoreError(store_refused), naming `option`, for what is no http or https URL, or has a user or a password.
Endpoint parse_url(const std::string& url, std::string_view option);
/// The same of an endpoint, which has no query and whose path ends without a /.
Endpoint parse_endpoint(const std::string& url, std::string_view option);

/// `name: value`. Throws StoreError(store_refused) where the value has a line break, which would be another header.
std::string header(std::string_view name, const std::string& value);

}  // namespace pg_ocr::http
