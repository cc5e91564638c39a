#include "http/declared.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "http/encoding.h"

namespace pg_ocr::http {
namespace {

constexpr std::string_view secret_options[] = {"secret_access_key", "session_token", "sas_token",     "bearer_token",
                                               "password",          "secret",        "access_key_id", "header_value"};
constexpr size_t shortest_secret = 4;  // a shorter one would be found in many an innocent word

using Url = std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)>;

std::string part_of(const Url& url, CURLUPart part) {
    char* text = nullptr;
    if (::curl_url_get(url.get(), part, &text, 0) != CURLUE_OK || text == nullptr) return "";
    std::string value(text);
    ::curl_free(text);
    return value;
}

}  // namespace

std::string Declared::text(std::string_view name, const std::string& otherwise) const {
    for (const auto& [declared, value] : options_) {
        if (declared == name && !value.empty()) return value;
    }
    return otherwise;
}

std::string Declared::required(std::string_view name) const {
    std::string value = text(name);
    if (value.empty())
        throw StoreError(ErrorCode::store_refused, "the foreign server lacks the option " + std::string(name));
    return value;
}

long Declared::seconds(std::string_view name, long otherwise) const {
    const std::string value = text(name);
    if (value.empty()) return otherwise;
    long number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number < 1 || number > 86400)
        throw StoreError(ErrorCode::store_refused,
                         "the foreign server's option " + std::string(name) + " is no number of seconds");
    return number;
}

bool Declared::flag(std::string_view name) const {
    const std::string value = lower_case(text(name));
    return value == "true" || value == "t" || value == "on" || value == "yes" || value == "y" || value == "1";
}

std::vector<std::string> Declared::secrets() const {
    std::vector<std::string> found;
    for (const auto& [name, value] : options_) {
        const bool secret =
            std::find(std::begin(secret_options), std::end(secret_options), name) != std::end(secret_options);
        if (secret && value.size() >= shortest_secret) found.push_back(value);
    }
    return found;
}

ConnectionRules connection_rules_of(const Declared& declared, HttpOperation operation) {
    ConnectionRules rules;
    rules.connect_timeout_s = declared.seconds("connect_timeout", 10);
    rules.timeout_s = declared.seconds("timeout", operation == HttpOperation::post        ? 30
                                                  : operation == HttpOperation::recognise ? 60
                                                                                          : 300);
    // A receiver or a provider may think for as long as it is given.
    const bool thinks = operation == HttpOperation::post || operation == HttpOperation::recognise;
    rules.stall_timeout_s = thinks ? 0 : declared.seconds("stall_timeout", 30);
    rules.allow_private_addresses = declared.flag("allow_private_addresses");
    rules.ca_certificate = declared.text("ca_certificate");
    return rules;
}

Endpoint parse_url(const std::string& text, std::string_view option) {
    auto refuse = [&](const char* why) {
        return StoreError(ErrorCode::store_refused, "the " + std::string(option) + " " + why);
    };
    Url url(::curl_url(), &::curl_url_cleanup);
    if (!url) throw std::bad_alloc();
    if (::curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK ||
        text.find('\0') != std::string::npos)
        throw refuse("is no URL");
    Endpoint endpoint;
    endpoint.scheme = lower_case(part_of(url, CURLUPART_SCHEME));
    if (endpoint.scheme != "http" && endpoint.scheme != "https") throw refuse("is neither an http nor an https URL");
    if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty())
        throw refuse("names a user or a password; they belong into the user mapping");
    endpoint.host = lower_case(part_of(url, CURLUPART_HOST));
    if (endpoint.host.empty()) throw refuse("names no host");
    endpoint.port = part_of(url, CURLUPART_PORT);
    if (endpoint.port == (endpoint.scheme == "https" ? "443" : "80")) endpoint.port.clear();
    endpoint.path = part_of(url, CURLUPART_PATH);
    endpoint.query = part_of(url, CURLUPART_QUERY);
    return endpoint;
}

Endpoint parse_endpoint(const std::string& text, std::string_view option) {
    Endpoint endpoint = parse_url(text, option);
    if (!endpoint.query.empty())
        throw StoreError(ErrorCode::store_refused,
                         "the " + std::string(option) + " has a query, which an endpoint has not");
    while (endpoint.path.ends_with('/')) endpoint.path.pop_back();
    return endpoint;
}

std::string header(std::string_view name, const std::string& value) {
    for (char c : value) {
        if (static_cast<unsigned char>(c) < ' ' && c != '\t')
            throw StoreError(ErrorCode::store_refused, "the value for the header " + std::string(name) +
                                                           " has a line break or another control character");
    }
    return std::string(name) + ": " + value;
}

}  // namespace pg_ocr::http
