// One request, from its first attempt to its answer.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/digest.h"
#include "http/store.h"
#include "http/trust.h"
#include "protocol/http_message.h"
#include "protocol/sealed_document.h"

namespace pg_ocr::http {

using Clock = std::chrono::steady_clock;

class Transfer {
  public:
    Transfer(HttpRequest request, UniqueFd content, const Trust& trust);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    uint64_t id() const { return request_.id; }
    /// A handle that is set up for the next attempt, or for where the last answer pointed to. Nothing: the request is
    /// over before it was sent; see response().
    CURL* begin();
    /// What is to follow once the handle is done.
    enum class Next {
        over,   ///< response() is whole
        again,  ///< begin(), when wait() is over
        onward  ///< begin(), at once
    };
    Next end(CURLcode);
    Clock::duration wait() const { return wait_; }

    const HttpResponse& response() const { return response_; }
    UniqueFd take_document() { return std::move(document_fd_); }

  private:
    struct FreeEasy {
        void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
    };
    struct FreeList {
        void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
    };

    void prepare();
    void set_up();
    void set_up_body();
    void add_header(const std::string&);
    Failure outcome(CURLcode);
    Failure failure_of_connection(CURLcode) const;
    Failure accept_success(CURLcode);
    Failure redirect();
    Next retry_or_give_up(Failure);
    bool answered(CURLcode) const;
    size_t body_limit() const;
    std::string without_secrets(std::string) const;

    bool on_header(std::string_view line);
    bool on_body(const char* bytes, size_t size);
    static size_t header_callback(char*, size_t, size_t, void*);
    static size_t body_callback(char*, size_t, size_t, void*);
    static size_t read_callback(char*, size_t, size_t, void*);
    static int seek_callback(void*, curl_off_t, int);
    static curl_socket_t socket_callback(void*, curlsocktype, curl_sockaddr*);
    static int connected_callback(void*, char*, char*, int, int);

    HttpRequest request_;
    UniqueFd content_fd_;
    Content content_;
    const Trust& trust_;
    ConnectionRules rules_;
    std::vector<std::string> secrets_;
    std::unique_ptr<Store> store_;
    Endpoint current_;  ///< where the present call goes

    std::unique_ptr<CURL, FreeEasy> easy_;
    std::unique_ptr<curl_slist, FreeList> headers_;
    char curl_says_[CURL_ERROR_SIZE] = {};
    Call call_;
    bool moving_on_ = false;  ///< the next begin() goes where the answer pointed to
    unsigned redirects_ = 0;
    unsigned attempts_ = 0;
    std::optional<Clock::time_point> deadline_;
    Clock::duration wait_{};

    Answer answer_;
    std::optional<SealedDocument> document_;
    std::optional<Sha256> digest_;
    uint64_t uploaded_ = 0;
    bool headed_ = false;     ///< the answer's headers have come, all of them
    bool enough_ = false;     ///< no more of the body is wanted
    bool too_large_ = false;  ///< the object is larger than allowed
    std::exception_ptr thrown_;
    std::string refused_address_;
    bool allowed_address_ = false;  ///< at least one address was tried

    HttpResponse response_;
    UniqueFd document_fd_;
};

}  // namespace pg_ocr::http
