#include "worker/http_process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <stdexcept>
#include <system_error>

#include "worker/fetched.h"

namespace pg_ocr {
namespace {

constexpr int longest_send_ms = 10000;
constexpr int64_t usual_timeout_s = 300;
constexpr int64_t longest_backoff_s = 10;  // between two attempts
constexpr int64_t grace_s = 20;
constexpr int every_seal = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

void require(bool holds, const std::string& complaint) {
    if (!holds) throw ProtocolError("pg_ocr_http " + complaint);
}

void require_text(std::string_view bytes) { require(is_text(bytes), "sent text that is not UTF-8"); }

bool is_sealed_memory_of(int fd, uint64_t size) {
    struct stat status {};
    const int seals = ::fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & every_seal) == every_seal && ::fstat(fd, &status) == 0 &&
           static_cast<uint64_t>(status.st_size) == size;
}

}  // namespace

int64_t declared_timeout_s(const Options& server, int64_t usual) {
    const std::string declared = option_of(server, "timeout");
    std::from_chars(declared.data(), declared.data() + declared.size(), usual);
    return usual;
}

int64_t stuck_after_ms(const Options& server) {
    return 1000 * (attempts_in_one_go * (declared_timeout_s(server, usual_timeout_s) + longest_backoff_s) + grace_s);
}

HttpProcess::HttpProcess(const HttpSettings& settings)
    : settings_(settings),
      child_("program", settings.program, {"--memory", std::to_string(settings.memory)}, {"LC_ALL=C.UTF-8"}) {}

void HttpProcess::send(const HttpRequest& request, int content) {
    if (open_.contains(request.id)) throw std::logic_error("a second request under the number of an open one");
    open_[request.id] = {request.operation, request.max_size};
    try {
        child_.channel().send(static_cast<uint8_t>(HttpMessageType::request), encode(request), content,
                              longest_send_ms);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::broken_pipe && error.code() != std::errc::connection_reset) throw;
    }
}

std::optional<HttpProcess::Answer> HttpProcess::receive() {
    child_.read_stderr();
    while (std::optional<Frame> frame = child_.channel().receive()) {
        if (!hello_) {
            accept_hello(*frame);
        } else {
            return accept_response(std::move(*frame));
        }
    }
    return std::nullopt;
}

void HttpProcess::accept_hello(const Frame& frame) {
    require(static_cast<HttpMessageType>(frame.type) == HttpMessageType::hello && !frame.fd, "did not say hello first");
    HttpHello hello = decode_http_hello(frame.body);
    require_text(hello.version);
    require_text(hello.curl);
    require(hello.version == PG_OCR_VERSION, "is of version " + hello.version +
                                                 ", this library of " PG_OCR_VERSION
                                                 "; install both from one build and restart the server");
    for (const Protection& protection : hello.protections) {
        require_text(protection.name);
        require_text(protection.detail);
        require(protection.holds || !settings_.sandbox_required,
                "lacks " + protection.name + " (" + protection.detail +
                    ") in its sandbox, and pg_ocr.sandbox = require; set it to prefer, or run on a kernel that has it");
    }
    hello_ = std::move(hello);
}

HttpProcess::Answer HttpProcess::accept_response(Frame&& frame) {
    require(static_cast<HttpMessageType>(frame.type) == HttpMessageType::response,
            "sent a message of type " + std::to_string(frame.type));
    Answer answer{decode_http_response(frame.body), std::move(frame.fd)};
    const HttpResponse& response = answer.response;
    auto found = open_.find(response.id);
    require(found != open_.end(), "answered what nobody asked");
    const Open open = found->second;
    open_.erase(found);

    require_text(response.failure.message);
    require_text(response.etag);
    require_text(response.next);
    require_text(response.excerpt);
    for (const StoredObject& object : response.objects) {
        require_text(object.key);
        require_text(object.etag);
    }
    const bool brings_document = brings_bytes(open.operation) && !response.failure;
    require(brings_document == static_cast<bool>(answer.document), "mixed up which answers bring a document");
    if (brings_document) {
        require(response.size <= open.max_size, "sent a document larger than it may be");
        require(is_sealed_memory_of(answer.document.get(), response.size), "sent a document that is not sealed");
    }
    return answer;
}

}  // namespace pg_ocr
