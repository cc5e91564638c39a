#include "http/store.h"

#include <algorithm>

#include "http/encoding.h"

namespace pg_ocr::http {
namespace {

constexpr size_t longest_etag = 1024;
constexpr size_t longest_key = 16384;

}  // namespace

std::unique_ptr<Store> store_of(const HttpRequest& request) {
    const Declared declared(request.options);
    if (request.operation == HttpOperation::post) return webhook(declared);
    if (request.operation == HttpOperation::recognise) return provider(declared);
    const std::string type = declared.text("type");
    if (type == "s3") return s3_store(declared);
    if (type == "gcs") return gcs_store(declared);
    if (type == "azure") return azure_store(declared);
    if (type == "https") return https_store(declared);
    throw StoreError(ErrorCode::store_refused, "the type of the foreign server is none of s3, gcs, azure, https: \"" +
                                                   printable(type, 100) + "\"");
}

void Store::read_listing(const HttpRequest& request, const Answer&, HttpResponse&) const {
    throw StoreError(ErrorCode::store_refused, subject(request) + " cannot be listed");
}

std::string describe_status(int32_t status) {
    const char* words = "";
    switch (status) {
        case 301:
            words = " Moved Permanently";
            break;
        case 302:
            words = " Found";
            break;
        case 303:
            words = " See Other";
            break;
        case 307:
            words = " Temporary Redirect";
            break;
        case 308:
            words = " Permanent Redirect";
            break;
        case 400:
            words = " Bad Request";
            break;
        case 401:
            words = " Unauthorized";
            break;
        case 403:
            words = " Forbidden";
            break;
        case 404:
            words = " Not Found";
            break;
        case 405:
            words = " Method Not Allowed";
            break;
        case 408:
            words = " Request Timeout";
            break;
        case 409:
            words = " Conflict";
            break;
        case 410:
            words = " Gone";
            break;
        case 411:
            words = " Length Required";
            break;
        case 413:
            words = " Content Too Large";
            break;
        case 429:
            words = " Too Many Requests";
            break;
        case 500:
            words = " Internal Server Error";
            break;
        case 501:
            words = " Not Implemented";
            break;
        case 502:
            words = " Bad Gateway";
            break;
        case 503:
            words = " Service Unavailable";
            break;
        case 504:
            words = " Gateway Timeout";
            break;
        case 507:
            words = " Insufficient Storage";
            break;
        default:
            break;
    }
    return std::to_string(status) + words;
}

Failure failure_of_status(const std::string& subject, int32_t status, const std::string& detail) {
    const std::string answered =
        subject + ": the server answered " + describe_status(status) + (detail.empty() ? "" : " (" + detail + ")");
    if (status == 401 || status == 403 || status == 407) return {ErrorCode::store_denied, answered};
    if (status == 404 || status == 410) return {ErrorCode::document_missing, answered};
    if (status == 408 || status == 425 || status == 429 || status >= 500)
        return {ErrorCode::store_unavailable, answered};
    return {ErrorCode::store_refused, answered};
}

void require_key(const HttpRequest& request, const std::string& subject) {
    if (request.operation != HttpOperation::list && request.name.empty())
        throw StoreError(ErrorCode::document_missing, subject + " names no object");
}

std::string bare_etag(std::string_view etag) {
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
    const bool fine = etag.size() <= longest_etag &&
                      std::all_of(etag.begin(), etag.end(), [](char c) { return c >= ' ' && c <= '~'; });
    return fine ? std::string(etag) : "";
}

bool is_listable(const StoredObject& object) {
    return !object.key.empty() && object.key.size() <= longest_key && is_utf8(object.key);
}

}  // namespace pg_ocr::http
