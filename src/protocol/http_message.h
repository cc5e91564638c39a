// What a worker, the courier or a backend and its pg_ocr_http say to each other, in frames. Every decode checks
// lengths, ranges and enumerations, and throws ProtocolError.
//
//   http → caller   hello       once, when the sandbox is up
//   caller → http   request     as many as the caller likes; a `put` or `recognise` comes with the content's sealed
//   memfd http → caller   response    one per request, in any order; a `fetch` or `recognise` that went well brings the
//                               document's or the answer's sealed memfd
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "document/document.h"
#include "protocol/frame.h"
#include "protocol/message.h"

namespace pg_ocr {

enum class HttpMessageType : uint8_t { hello = 1, request, response };

struct HttpHello {
    std::string version;  ///< pg_ocr's
    std::string curl;     ///< 'libcurl/7.88.1 OpenSSL/3.0.19 …'
    std::vector<Protection> protections;
};

enum class HttpOperation : uint8_t {
    fetch,      ///< one object's bytes
    list,       ///< one page of a store's objects
    put,        ///< write one object
    post,       ///< deliver a webhook
    recognise,  ///< send a page's image to a provider
};

/// Options as they were declared: those of the foreign server and of the user mapping, by name. A store has `type`.
using Options = std::vector<std::pair<std::string, std::string>>;

/// Whether what goes well brings bytes, in a sealed memfd.
constexpr bool brings_bytes(HttpOperation operation) {
    return operation == HttpOperation::fetch || operation == HttpOperation::recognise;
}

struct HttpRequest {
    uint64_t id = 0;  ///< the caller's own; unique among its open requests
    HttpOperation operation = HttpOperation::fetch;
    Options options;
    std::string name;  ///< fetch, put: the object's key as it is, not encoded; list: the prefix; post: the event's id;
                       ///< recognise: the languages
    std::string from;  ///< list: where to go on, the `next` of the page before; empty: at the beginning
    std::string content_type;   ///< put, recognise
    std::string body;           ///< post: the payload, as it is to be signed
    uint64_t max_size = 0;      ///< fetch, recognise: bytes
    uint32_t max_attempts = 1;  ///< tries in all, before unavailability is reported
};

struct StoredObject {
    std::string key;
    uint64_t size = 0;
    std::string etag;         ///< without quotes; empty: not said
    int64_t modified_at = 0;  ///< microseconds since 1970-01-01 UTC; 0: not said
};

struct HttpResponse {
    uint64_t id = 0;
    Failure failure;                    ///< code none: it went well. Its message is for the user, and names no secret
    int32_t status = 0;                 ///< the last HTTP status; 0: there was no answer
    uint32_t retry_after_s = 0;         ///< what the server asked for; 0: nothing
    uint32_t elapsed_ms = 0;            ///< of the last attempt
    std::string etag;                   ///< fetch, put: without quotes; empty: not said
    uint64_t size = 0;                  ///< fetch, recognise: bytes
    std::string sha256;                 ///< fetch, recognise: 32 bytes
    std::vector<StoredObject> objects;  ///< list
    std::string next;                   ///< list: empty where this was the last page
    std::string excerpt;                ///< post: the first 1 kB of the answer, as valid UTF-8 without NUL
};

std::string encode(const HttpHello&);
std::string encode(const HttpRequest&);
std::string encode(const HttpResponse&);

HttpHello decode_http_hello(const std::string&);
HttpRequest decode_http_request(const std::string&);
HttpResponse decode_http_response(const std::string&);

}  // namespace pg_ocr
