#include "protocol/http_message.h"

#include "protocol/body.h"

namespace pg_ocr {
namespace {

constexpr size_t least_option = 8;   // the lengths of two texts
constexpr size_t least_object = 24;  // the lengths of two texts, and two numbers
constexpr size_t sha256_size = 32;

}  // namespace

std::string encode(const HttpHello& hello) {
    BodyWriter to;
    to.string(hello.version);
    to.string(hello.curl);
    write(to, hello.protections);
    return to.take();
}

HttpHello decode_http_hello(const std::string& body) {
    BodyReader from(body);
    HttpHello hello;
    hello.version = from.string();
    hello.curl = from.string();
    hello.protections = read_protections(from);
    from.end();
    return hello;
}

std::string encode(const HttpRequest& request) {
    BodyWriter to;
    to.integer(request.id);
    to.integer(static_cast<uint8_t>(request.operation));
    to.integer(static_cast<uint32_t>(request.options.size()));
    for (const auto& [name, value] : request.options) {
        to.string(name);
        to.string(value);
    }
    to.string(request.name);
    to.string(request.from);
    to.string(request.content_type);
    to.string(request.body);
    to.integer(request.max_size);
    to.integer(request.max_attempts);
    return to.take();
}

HttpRequest decode_http_request(const std::string& body) {
    BodyReader from(body);
    HttpRequest request;
    request.id = from.integer<uint64_t>();
    request.operation = from.enumeration(HttpOperation::recognise);
    for (uint32_t n = from.count(least_option); n > 0; --n) {
        std::string name = from.string();
        request.options.emplace_back(std::move(name), from.string());
    }
    request.name = from.string();
    request.from = from.string();
    request.content_type = from.string();
    request.body = from.string();
    request.max_size = from.integer<uint64_t>();
    request.max_attempts = from.integer<uint32_t>();
    from.end();
    if (request.max_attempts == 0) throw ProtocolError("a request that may not be tried");
    return request;
}

std::string encode(const HttpResponse& response) {
    BodyWriter to;
    to.integer(response.id);
    write(to, response.failure);
    to.integer(response.status);
    to.integer(response.retry_after_s);
    to.integer(response.elapsed_ms);
    to.string(response.etag);
    to.integer(response.size);
    to.string(response.sha256);
    to.integer(static_cast<uint32_t>(response.objects.size()));
    for (const StoredObject& object : response.objects) {
        to.string(object.key);
        to.integer(object.size);
        to.string(object.etag);
        to.integer(object.modified_at);
    }
    to.string(response.next);
    to.string(response.excerpt);
    return to.take();
}

HttpResponse decode_http_response(const std::string& body) {
    BodyReader from(body);
    HttpResponse response;
    response.id = from.integer<uint64_t>();
    response.failure = read_failure(from);
    response.status = from.integer<int32_t>();
    response.retry_after_s = from.integer<uint32_t>();
    response.elapsed_ms = from.integer<uint32_t>();
    response.etag = from.string();
    response.size = from.integer<uint64_t>();
    response.sha256 = from.string();
    for (uint32_t n = from.count(least_object); n > 0; --n) {
        StoredObject object;
        object.key = from.string();
        object.size = from.integer<uint64_t>();
        object.etag = from.string();
        object.modified_at = from.integer<int64_t>();
        response.objects.push_back(std::move(object));
    }
    response.next = from.string();
    response.excerpt = from.string();
    from.end();
    if (response.status < 0 || response.status > 999) throw ProtocolError("an HTTP status out of range");
    if (!response.sha256.empty() && response.sha256.size() != sha256_size)
        throw ProtocolError("a digest that is not as long as SHA-256 makes them");
    if (response.size > INT64_MAX) throw ProtocolError("a size out of range");
    return response;
}

}  // namespace pg_ocr
