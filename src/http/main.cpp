// pg_ocr_http: what talks to object stores and webhooks, for one process of the server. It warms up, locks itself in,
// says hello, and then serves many requests at once until its parent hangs up. It knows stores, not PostgreSQL.
#include <curl/curl.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/resolver.h"
#include "http/transfers.h"
#include "http/trust.h"
#include "protocol/http_message.h"
#include "sandbox/sandbox.h"

namespace pg_ocr::http {
namespace {

constexpr size_t most_active = 512;
constexpr size_t most_open = 10000;  // beyond, the parent's next request stays in its socket
constexpr size_t most_unsent = size_t{16} << 20;
constexpr size_t descriptors_per_transfer = 5;  // its socket, its document, and its resolver's pair, and one to spare
constexpr size_t other_descriptors = 320;       // connections that are kept open among them
constexpr size_t stack_of_resolver = size_t{512} << 10;

struct Arguments {
    int socket = -1;
    SandboxSettings sandbox;
};

template <typename Integer>
bool parse_number(std::string_view text, Integer& to) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size();
}

std::optional<Arguments> parse_arguments(int count, char** words) {
    Arguments arguments;
    arguments.sandbox.profile = Profile::network;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view name = words[i];
        const std::string_view value = words[i + 1];
        if (name == "--socket" && parse_number(value, arguments.socket)) continue;
        if (name == "--parent" && parse_number(value, arguments.sandbox.parent)) continue;
        if (name == "--memory" && parse_number(value, arguments.sandbox.memory)) continue;
        return std::nullopt;
    }
    const bool complete =
        count == 7 && arguments.socket >= 0 && arguments.sandbox.parent > 0 && arguments.sandbox.memory > 0;
    if (!complete) return std::nullopt;
    return arguments;
}

/// Threads are born in the sandbox, one for each name that is being resolved, each with a stack and a heap of its own
/// by default: much of the memory that this process may have.
void keep_threads_small() {
    ::mallopt(M_ARENA_MAX, 2);
    pthread_attr_t attributes;
    if (::pthread_attr_init(&attributes) != 0) return;
    ::pthread_attr_setstacksize(&attributes, stack_of_resolver);
    ::pthread_setattr_default_np(&attributes);
    ::pthread_attr_destroy(&attributes);
}

/// All that libraries load or read when they are first used.
void warm_up() {
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl does not start");
    const std::string_view tls = ::curl_version_info(CURLVERSION_NOW)->ssl_version;
    if (!tls.starts_with("OpenSSL"))
        throw std::runtime_error("libcurl is built with " + std::string(tls) + "; pg_ocr_http needs one with OpenSSL");
    SSL_CTX* context = ::SSL_CTX_new(::TLS_client_method());
    ::SSL_CTX_free(context);
    warm_up_resolver();
}

size_t places_for_transfers() {
    rlimit bound{};
    if (::getrlimit(RLIMIT_NOFILE, &bound) != 0) return 1;
    const size_t descriptors = bound.rlim_cur > other_descriptors ? bound.rlim_cur - other_descriptors : 0;
    return std::clamp<size_t>(descriptors / descriptors_per_transfer, 1, most_active);
}

class Server {
  public:
    Server(int socket, const Trust& trust, WatchedFiles& files)
        : socket_(socket),
          parent_(socket),
          files_(files),
          transfers_(trust, places_for_transfers(), [this](const HttpResponse& response, UniqueFd document) {
              send(HttpMessageType::response, encode(response), std::move(document));
          }) {}

    void say_hello(const HttpHello& hello) { send(HttpMessageType::hello, encode(hello), {}); }

    /// Until the parent hangs up, or a fresh process would know better and this one has nothing to do.
    void serve() {
        while (!parent_.closed() && !parent_gone_) {
            wait();
            transfers_.run();
            parent_.flush();
            take_requests();
            if (files_.changed() && transfers_.open() == 0 && parent_.unsent() == 0) {
                std::fputs("names are resolved or certificates verified by new files; a fresh process reads them\n",
                           stderr);
                return;
            }
        }
    }

  private:
    void send(HttpMessageType type, const std::string& body, UniqueFd document) {
        parent_.send_later(static_cast<uint8_t>(type), body, std::move(document));
    }

    bool takes_requests() const { return transfers_.open() < most_open && parent_.unsent() < most_unsent; }

    void wait() {
        short of_parent = takes_requests() ? POLLIN : 0;
        if (parent_.unsent() > 0) of_parent |= POLLOUT;
        pollfd waited[] = {{socket_, of_parent, 0}, {transfers_.fd(), POLLIN, 0}, {files_.fd(), POLLIN, 0}};
        ::poll(waited, std::size(waited), transfers_.timeout_ms());
        // Requests may wait to be read; there is nobody to answer them.
        parent_gone_ = (waited[0].revents & (POLLHUP | POLLERR)) != 0;
    }

    void take_requests() {
        while (takes_requests()) {
            std::optional<Frame> frame = parent_.receive();
            if (!frame) return;
            if (static_cast<HttpMessageType>(frame->type) != HttpMessageType::request)
                throw ProtocolError("a message of type " + std::to_string(frame->type) + " came");
            transfers_.add(decode_http_request(frame->body), std::move(frame->fd));
        }
    }

    int socket_;
    Channel parent_;
    bool parent_gone_ = false;
    WatchedFiles& files_;
    Transfers transfers_;
};

void run(const Arguments& arguments) {
    keep_threads_small();
    const Trust trust;
    warm_up();
    WatchedFiles files(trust.bundle());
    if (::fcntl(arguments.socket, F_SETFL, O_NONBLOCK) < 0) throw std::runtime_error("the socket stays blocking");
    ::signal(SIGPIPE, SIG_IGN);
    const HttpHello hello{PG_OCR_VERSION, ::curl_version(), enter_sandbox(arguments.sandbox)};
    Server server(arguments.socket, trust, files);
    server.say_hello(hello);
    server.serve();
}

bool is_socket(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace
}  // namespace pg_ocr::http

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::printf("pg_ocr_http %s, %s\n", PG_OCR_VERSION, ::curl_version());
        return 0;
    }
    try {
        const std::optional<pg_ocr::http::Arguments> arguments = pg_ocr::http::parse_arguments(argc, argv);
        if (!arguments || !pg_ocr::http::is_socket(arguments->socket)) {
            std::fputs(
                "pg_ocr_http talks to object stores and webhooks for PostgreSQL's extension pg_ocr. Its processes "
                "start\n"
                "it when there is something to fetch or to deliver; it is not started by hand.\n",
                stderr);
            return 2;
        }
        if (!pg_ocr::die_with_parent(arguments->sandbox.parent)) {
            std::fputs("the process that started pg_ocr_http has ended\n", stderr);
            return 1;
        }
        pg_ocr::http::run(*arguments);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
