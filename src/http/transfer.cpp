#include "http/transfer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <random>
#include <system_error>

#include "http/address.h"
#include "http/encoding.h"

namespace pg_ocr::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned most_redirects = 5;
constexpr size_t longest_listing = size_t{16} << 20;
constexpr size_t longest_error = size_t{64} << 10;
constexpr size_t longest_excerpt = 1024;
constexpr size_t longest_message = 4000;
constexpr long stalled_below = 1024;  // bytes per second
constexpr long receive_buffer = 131072;
constexpr milliseconds first_wait{500};
constexpr seconds longest_wait{10};
constexpr long longest_retry_after = 604800;  // a week

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    if (::curl_easy_setopt(easy, option, value) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
}

/// Of libcurl's newer options; the older ones do without.
template <typename Value>
void set_if_known(CURL* easy, CURLoption option, Value value) {
    ::curl_easy_setopt(easy, option, value);
}

double jitter() {
    static std::mt19937 numbers{std::random_device{}()};
    return std::uniform_real_distribution<double>(0.5, 1.0)(numbers);
}

bool is_redirect(int32_t status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string megabytes(uint64_t bytes) {
    return bytes < 1048576 ? std::to_string(bytes) + " bytes" : std::to_string(bytes / 1048576) + " MB";
}

}  // namespace

Transfer::Transfer(HttpRequest request, UniqueFd content, const Trust& trust)
    : request_(std::move(request)), content_fd_(std::move(content)), trust_(trust) {
    response_.id = request_.id;
    jitter();
}

void Transfer::prepare() {
    const Declared declared(request_.options);
    secrets_ = declared.secrets();
    rules_ = connection_rules_of(declared, request_.operation);
    store_ = store_of(request_);
    if (request_.operation != HttpOperation::put && request_.operation != HttpOperation::recognise) return;
    constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    const int held = content_fd_ ? ::fcntl(content_fd_.get(), F_GET_SEALS) : -1;
    struct stat status {};
    if (held < 0 || (held & seals) != seals || ::fstat(content_fd_.get(), &status) != 0)
        throw ProtocolError("what is to be sent did not come as a sealed memfd");
    content_ = {content_fd_.get(), static_cast<uint64_t>(status.st_size)};
}

CURL* Transfer::begin() {
    try {
        if (!store_) prepare();
        const Clock::time_point now = Clock::now();
        if (!deadline_) deadline_ = now + seconds(rules_.timeout_s);
        if (!moving_on_) {
            ++attempts_;
            redirects_ = 0;
            call_ = store_->call(request_, content_, std::time(nullptr));
        }
        moving_on_ = false;
        set_up();
        return easy_.get();
    } catch (const StoreError& error) {
        response_.failure = error.failure;
    } catch (const std::bad_alloc&) {
        response_.failure = {ErrorCode::store_unavailable, "pg_ocr_http has no memory left for this request"};
    } catch (const std::system_error& error) {
        response_.failure = {ErrorCode::internal_error, error.what()};
    }
    response_.failure.message = without_secrets(response_.failure.message);
    return nullptr;
}

void Transfer::add_header(const std::string& line) {
    curl_slist* longer = ::curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)headers_.release();
    headers_.reset(longer);
}

void Transfer::set_up() {
    answer_ = {};
    document_.reset();
    digest_.reset();
    uploaded_ = 0;
    headed_ = enough_ = too_large_ = allowed_address_ = false;
    refused_address_.clear();
    thrown_ = nullptr;
    curl_says_[0] = '\0';
    current_ = parse_url(call_.url, "url");

    easy_.reset(::curl_easy_init());
    CURL* easy = easy_.get();
    if (easy == nullptr) throw std::bad_alloc();
    set(easy, CURLOPT_PRIVATE, this);
    set(easy, CURLOPT_ERRORBUFFER, curl_says_);
    set(easy, CURLOPT_URL, call_.url.c_str());
    set(easy, CURLOPT_PATH_AS_IS, 1L);
    set(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    set(easy, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    // One connection per transfer, so that each is checked and none waits for another's bytes.
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_PROXY, "");
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_BUFFERSIZE, receive_buffer);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    trust_.apply(easy, rules_.ca_certificate);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Else the whole process waits when a transfer is given up whose name is still being resolved.
    set_if_known(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    const auto left = std::chrono::duration_cast<milliseconds>(*deadline_ - Clock::now()).count();
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(left, 1)));
    set(easy, CURLOPT_CONNECTTIMEOUT, rules_.connect_timeout_s);
    set(easy, CURLOPT_LOW_SPEED_LIMIT, stalled_below);
    set(easy, CURLOPT_LOW_SPEED_TIME, rules_.stall_timeout_s);
    set(easy, CURLOPT_OPENSOCKETFUNCTION, socket_callback);
    set(easy, CURLOPT_OPENSOCKETDATA, this);
    set(easy, CURLOPT_PREREQFUNCTION, connected_callback);
    set(easy, CURLOPT_PREREQDATA, this);
    set(easy, CURLOPT_HEADERFUNCTION, header_callback);
    set(easy, CURLOPT_HEADERDATA, this);
    set(easy, CURLOPT_WRITEFUNCTION, body_callback);
    set(easy, CURLOPT_WRITEDATA, this);
    headers_.reset();
    add_header("User-Agent: pg_ocr/" PG_OCR_VERSION);
    add_header("Accept: */*");
    for (const std::string& line : call_.headers) add_header(line);
    set_up_body();
    set(easy, CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::set_up_body() {
    CURL* easy = easy_.get();
    if (call_.uploads) {
        const auto size = static_cast<curl_off_t>(content_.size);
        if (call_.method == "POST") {
            add_header("Expect:");
            set(easy, CURLOPT_POST, 1L);
            set(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
        } else {
            set(easy, CURLOPT_UPLOAD, 1L);
            set(easy, CURLOPT_INFILESIZE_LARGE, size);
        }
        set(easy, CURLOPT_READFUNCTION, read_callback);
        set(easy, CURLOPT_READDATA, this);
        set(easy, CURLOPT_SEEKFUNCTION, seek_callback);
        set(easy, CURLOPT_SEEKDATA, this);
    } else if (call_.posts) {
        add_header("Expect:");
        set(easy, CURLOPT_POST, 1L);
        set(easy, CURLOPT_POSTFIELDS, request_.body.data());
        set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    }
    if (brings_bytes(request_.operation) && request_.max_size > 0)
        set(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(std::min<uint64_t>(request_.max_size, INT64_MAX)));
}

Transfer::Next Transfer::end(CURLcode code) {
    long status = 0;
    curl_off_t elapsed_us = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    ::curl_easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &elapsed_us);
    answer_.status = status > 0 && status < 1000 ? static_cast<int32_t>(status) : 0;
    response_.status = answer_.status;
    response_.elapsed_ms = static_cast<uint32_t>(std::min<curl_off_t>(elapsed_us / 1000, UINT32_MAX));
    response_.retry_after_s = 0;
    Failure failure;
    try {
        failure = outcome(code);
    } catch (const StoreError& error) {
        failure = error.failure;
    } catch (const std::bad_alloc&) {
        failure = {ErrorCode::store_unavailable, "pg_ocr_http has no memory left for this answer"};
    } catch (const std::system_error& error) {
        failure = {ErrorCode::internal_error, error.what()};
    }
    if (moving_on_) return Next::onward;
    const Next next = retry_or_give_up(std::move(failure));
    if (next == Next::over) easy_.reset();
    return next;
}

/// Whether the server's answer is what counts, though the transfer did not end as it should: a store may refuse what is
/// still being sent, and of an error or a webhook's answer the beginning is enough.
bool Transfer::answered(CURLcode code) const {
    if (!headed_) return false;
    if (code == CURLE_OK) return true;
    if (thrown_ || too_large_ || answer_.status < 200) return false;
    if (enough_) return true;
    const bool connection_lost = code == CURLE_PARTIAL_FILE || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
                                 code == CURLE_FILESIZE_EXCEEDED || code == CURLE_OPERATION_TIMEDOUT;
    const bool body_matters = answer_.status < 300 && request_.operation != HttpOperation::post;
    return connection_lost && !body_matters;
}

Failure Transfer::outcome(CURLcode code) {
    if (request_.operation == HttpOperation::post) response_.excerpt = as_text(answer_.body, longest_excerpt);
    const bool announced_too_large = code == CURLE_FILESIZE_EXCEEDED && answer_.status == 200;
    if (too_large_ || announced_too_large)
        return {ErrorCode::document_too_large,
                store_->subject(request_) + (request_.operation == HttpOperation::recognise
                                                 ? " answered with more than " + megabytes(request_.max_size)
                                                 : " has more than " + megabytes(request_.max_size) +
                                                       ", which pg_ocr.max_document_size allows")};
    if (thrown_) std::rethrow_exception(thrown_);
    if (!answered(code)) return failure_of_connection(code);
    if (answer_.status >= 200 && answer_.status < 300) return accept_success(code);
    if (is_redirect(answer_.status) && request_.operation == HttpOperation::fetch && store_->follows_redirects())
        return redirect();
    char* leads_to = nullptr;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &leads_to);
    if (leads_to != nullptr) {
        try {
            answer_.redirect_origin = parse_url(leads_to, "redirect").origin();
        } catch (const StoreError&) {
            answer_.redirect_origin.clear();
        }
    }
    curl_off_t retry_after = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &retry_after);
    response_.retry_after_s = static_cast<uint32_t>(std::clamp<curl_off_t>(retry_after, 0, longest_retry_after));
    return store_->failure_of(request_, answer_);
}

Failure Transfer::accept_success(CURLcode code) {
    if (request_.operation == HttpOperation::post) return {};
    const std::string subject = store_->subject(request_);
    if (request_.operation != HttpOperation::put && answer_.status != 200)
        return {ErrorCode::store_refused,
                subject + ": the server answered " + std::to_string(answer_.status) + " and no content"};
    response_.etag = bare_etag(answer_.etag);
    if (request_.operation == HttpOperation::put) return {};
    if (code != CURLE_OK)
        return {ErrorCode::store_refused, subject + ": the server's list is longer than " + megabytes(longest_listing)};
    if (request_.operation == HttpOperation::list) {
        store_->read_listing(request_, answer_, response_);
        if (!response_.next.empty() && (response_.next == request_.from || !is_utf8(response_.next)))
            return {ErrorCode::store_refused, subject + ": the server's list goes on where it began"};
        return {};
    }
    if (!document_) {
        document_.emplace();
        digest_.emplace();
    }
    response_.size = document_->size();
    response_.sha256 = digest_->take();
    document_fd_ = document_->seal();
    return {};
}

Failure Transfer::redirect() {
    const std::string subject = store_->subject(request_);
    char* leads_to = nullptr;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_REDIRECT_URL, &leads_to);
    if (leads_to == nullptr)
        return {ErrorCode::store_refused,
                subject + ": the server answered " + describe_status(answer_.status) + " and not where to"};
    if (++redirects_ > most_redirects)
        return {ErrorCode::store_refused, subject + ": more than " + std::to_string(most_redirects) + " redirects"};
    const Endpoint next = parse_url(leads_to, "URL that " + subject + " is redirected to");
    if (current_.scheme == "https" && next.scheme != "https")
        return {ErrorCode::store_refused, subject + " is redirected from https to http, at " + next.origin()};
    call_.url = leads_to;
    if (next.origin() != current_.origin()) call_.headers.clear();  // the keys are for the other
    moving_on_ = true;
    return {};
}

Failure Transfer::failure_of_connection(CURLcode code) const {
    const std::string subject = store_->subject(request_);
    // libcurl takes the end of the connection for the end of the headers.
    if (code == CURLE_OK)
        return {ErrorCode::store_unavailable, subject + ": the connection ended in the answer's headers"};
    const std::string said = printable(curl_says_[0] != '\0' ? curl_says_ : ::curl_easy_strerror(code), 300);
    if (!refused_address_.empty() && !allowed_address_ && rules_.allow_private_addresses)
        return {ErrorCode::store_refused, subject + ": the host " + current_.host + " has the address " +
                                              refused_address_ + ", where a cloud's metadata is, and no store"};
    if (!refused_address_.empty() && !allowed_address_)
        return {ErrorCode::store_refused, subject + ": the host " + current_.host + " has the address " +
                                              refused_address_ +
                                              ", which is not public; a superuser may set allow_private_addresses "
                                              "for the foreign server"};
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return {ErrorCode::store_unavailable,
                    subject + ": the host " + current_.host + " is not known to DNS, or DNS did not answer"};
        case CURLE_OPERATION_TIMEDOUT:
            return {
                ErrorCode::store_unavailable,
                subject + ": " + said + " (connect_timeout " + std::to_string(rules_.connect_timeout_s) + " s, " +
                    (rules_.stall_timeout_s == 0 ? ""
                                                 : "stall_timeout " + std::to_string(rules_.stall_timeout_s) + " s, ") +
                    "timeout " + std::to_string(rules_.timeout_s) + " s)"};
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
            return {
                ErrorCode::store_refused,
                subject + ": the certificate of " + current_.authority() + " cannot be verified (" + said + "); " +
                    (rules_.ca_certificate.empty() && trust_.bundle().empty()
                         ? "this server has no bundle of authorities: install ca-certificates, or set ca_certificate"
                         : "set ca_certificate where its authority is your own")};
        case CURLE_SSL_CACERT_BADFILE:
            return {ErrorCode::store_refused, "ca_certificate of the foreign server is no certificate in PEM"};
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_LOGIN_DENIED:
            return {ErrorCode::store_refused, subject + ": " + said};
        default:
            return {ErrorCode::store_unavailable, subject + ": " + said};
    }
}

Transfer::Next Transfer::retry_or_give_up(Failure failure) {
    if (failure.code == ErrorCode::store_unavailable && attempts_ < request_.max_attempts) {
        const seconds asked(response_.retry_after_s);
        const auto doubled = first_wait * (1u << std::min(attempts_ - 1, 10u));
        wait_ = asked.count() > 0 ? Clock::duration(asked)
                                  : std::chrono::duration_cast<Clock::duration>(
                                        std::min<std::chrono::duration<double>>(doubled, longest_wait) * jitter());
        if (asked <= longest_wait && Clock::now() + wait_ < *deadline_) return Next::again;
    }
    if (failure.code == ErrorCode::store_unavailable && attempts_ > 1)
        failure.message += ", at " + std::to_string(attempts_) + " attempts";
    if (failure) {
        failure.message = without_secrets(printable(failure.message, longest_message));
        document_.reset();
        document_fd_.reset();
        response_.objects.clear();
        response_.next.clear();
    }
    response_.failure = std::move(failure);
    return Next::over;
}

/// A server may send back what it was sent, to be shown to whoever may use the store but not see its keys.
std::string Transfer::without_secrets(std::string text) const {
    for (const std::string& secret : secrets_) {
        for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
            text.replace(at, secret.size(), "***");
    }
    return text;
}

size_t Transfer::body_limit() const {
    return request_.operation == HttpOperation::list && answer_.status == 200 ? longest_listing : longest_error;
}

bool Transfer::on_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {
        answer_ = {};
        headed_ = false;
        return true;
    }
    if (line == "\r\n" || line == "\n") headed_ = true;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    const std::string name = lower_case(line.substr(0, colon));
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && static_cast<unsigned char>(value.back()) <= ' ') value.remove_suffix(1);
    if (name == "etag") answer_.etag = value;
    if (name == "x-amz-bucket-region") answer_.region = value;
    if (name == "x-ms-error-code") answer_.error_code = value;
    return true;
}

bool Transfer::on_body(const char* bytes, size_t size) {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    answer_.status = static_cast<int32_t>(status);
    if (brings_bytes(request_.operation) && status == 200) {
        if (!document_) {
            document_.emplace();
            digest_.emplace();
        }
        too_large_ = size > request_.max_size || document_->size() > request_.max_size - size;
        if (too_large_) return false;
        document_->append(bytes, size);
        digest_->add(bytes, size);
        return true;
    }
    const size_t room = body_limit() - answer_.body.size();
    answer_.body.append(bytes, std::min(size, room));
    enough_ = size > room;
    return !enough_;
}

size_t Transfer::header_callback(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.on_header({bytes, size * count}) ? size * count : 0;
    } catch (...) {
        transfer.thrown_ = std::current_exception();
        return 0;
    }
}

size_t Transfer::body_callback(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.on_body(bytes, size * count) ? size * count : 0;
    } catch (...) {
        transfer.thrown_ = std::current_exception();
        return 0;
    }
}

size_t Transfer::read_callback(char* to, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const uint64_t left = transfer.content_.size - transfer.uploaded_;
    ssize_t n = 0;
    do
        n = ::pread(transfer.content_.fd, to, std::min<uint64_t>(size * count, left),
                    static_cast<off_t>(transfer.uploaded_));
    while (n < 0 && errno == EINTR);
    if (n < 0) return CURL_READFUNC_ABORT;
    transfer.uploaded_ += static_cast<uint64_t>(n);
    return static_cast<size_t>(n);
}

int Transfer::seek_callback(void* self, curl_off_t offset, int origin) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (origin != SEEK_SET || offset < 0 || static_cast<uint64_t>(offset) > transfer.content_.size)
        return CURL_SEEKFUNC_CANTSEEK;
    transfer.uploaded_ = static_cast<uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
}

/// The very address that is about to be connected to, whatever DNS said before.
curl_socket_t Transfer::socket_callback(void* self, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (is_metadata(&address->addr) || (!transfer.rules_.allow_private_addresses && !is_public(&address->addr))) {
        transfer.refused_address_ = digits_of(&address->addr);
        return CURL_SOCKET_BAD;
    }
    transfer.allowed_address_ = true;
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// A connection may be one that another request has left, under rules that allow more.
int Transfer::connected_callback(void* self, char* address, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.rules_.allow_private_addresses || (address != nullptr && is_public(address)))
        return CURL_PREREQFUNC_OK;
    transfer.refused_address_ = address != nullptr ? address : "";
    transfer.allowed_address_ = false;
    return CURL_PREREQFUNC_ABORT;
}

}  // namespace pg_ocr::http
