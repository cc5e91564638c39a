#include "worker/fetcher.h"

#include <chrono>
#include <exception>

#include "worker/local_file.h"

namespace pg_ocr {
namespace {

int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::optional<Fetched> Fetcher::fetch(const HttpSettings& settings, const Options& store, const std::string& key,
                                      uint64_t max_size, const std::function<bool(int fd, int64_t timeout_ms)>& wait) {
    if (option_of(store, "type") == "file") {
        bool wanted = true;
        Fetched fetched = fetch_file(store, key, max_size, [&] { return wanted = wait(-1, 0); });
        if (!wanted) return std::nullopt;
        return fetched;
    }
    HttpRequest request;
    request.operation = HttpOperation::fetch;
    request.options = store;
    request.name = key;
    request.max_size = max_size;
    request.max_attempts = attempts_in_one_go;
    return exchange(settings, std::move(request), -1, wait);
}

std::optional<Fetched> Fetcher::ask(const HttpSettings& settings, const Options& server, const std::string& languages,
                                    int image, uint64_t max_size,
                                    const std::function<bool(int fd, int64_t timeout_ms)>& wait) {
    HttpRequest request;
    request.operation = HttpOperation::recognise;
    request.options = server;
    request.name = languages;
    request.content_type = "image/png";
    request.max_size = max_size;
    request.max_attempts = attempts_in_one_go;
    return exchange(settings, std::move(request), image, wait);
}

std::optional<Fetched> Fetcher::exchange(const HttpSettings& settings, HttpRequest request, int content,
                                         const std::function<bool(int fd, int64_t timeout_ms)>& wait) {
    Fetched failed;
    try {
        ensure_http(settings);
        request.id = ++last_id_;
        http_->send(request, content);
        return await_answer(request, wait);
    } catch (const ProtocolError& error) {
        failed.failure = {ErrorCode::store_unavailable, error.what()};
    } catch (const std::system_error& error) {
        failed.failure = {ErrorCode::store_unavailable, error.what()};
    }
    host_.warn(failed.failure.message);
    drop_http();
    return failed;
}

std::optional<Fetched> Fetcher::await_answer(const HttpRequest& request,
                                             const std::function<bool(int fd, int64_t timeout_ms)>& wait) {
    const int64_t deadline = now_ms() + stuck_after_ms(request.options);
    for (;;) {
        std::optional<HttpProcess::Answer> answer = http_->receive();
        tell_of_hello();
        if (answer) {
            Fetched fetched;
            fetched.failure = answer->response.failure;
            fetched.retry_after_s = answer->response.retry_after_s;
            fetched.document = std::move(answer->document);
            fetched.etag = std::move(answer->response.etag);
            fetched.size = answer->response.size;
            fetched.sha256 = std::move(answer->response.sha256);
            return fetched;
        }
        if (http_->closed()) throw ProtocolError("pg_ocr_http " + http_->obituary());
        const int64_t left = deadline - now_ms();
        if (left <= 0) throw ProtocolError("pg_ocr_http was stuck and has been killed");
        if (!wait(http_->socket(), left)) {
            drop_http();
            return std::nullopt;
        }
    }
}

void Fetcher::ensure_http(const HttpSettings& settings) {
    if (http_ && settings_ == settings) {
        // One that has died since the last document is no failure of this one.
        while (http_->receive()) {
        }
        if (!http_->closed()) return;
        host_.warn("the idle pg_ocr_http " + http_->obituary());
    }
    drop_http();
    http_ = std::make_unique<HttpProcess>(settings);
    host_.show_http(http_.get());
    settings_ = settings;
    told_ = false;
}

void Fetcher::tell_of_hello() {
    if (told_ || !http_->hello()) return;
    told_ = true;
    const HttpHello& hello = *http_->hello();
    host_.log("pg_ocr_http " + std::to_string(http_->pid()) + " (" + hello.curl +
              ") is ready; sandbox: " + held_protections(hello.protections));
    const std::string missing = missing_protections(hello.protections);
    if (!missing.empty()) host_.warn("the sandbox of pg_ocr_http lacks " + missing);
}

void Fetcher::drop_http() {
    host_.show_http(nullptr);
    http_.reset();
}

}  // namespace pg_ocr
