#include "unit/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace pg_ocr {

bool Exchange::receive_head() {
    size_t end = 0;
    char chunk[65536];
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        const ssize_t n = ::recv(connection_, chunk, sizeof(chunk), 0);
        if (n <= 0) return false;
        buffer_.append(chunk, static_cast<size_t>(n));
    }
    head_ = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    body_.clear();
    return true;
}

bool Exchange::receive_body() {
    const size_t size = std::strtoull(header("content-length").c_str(), nullptr, 10);
    if (!header("expect").empty()) send("HTTP/1.1 100 Continue\r\n\r\n");
    char chunk[65536];
    while (buffer_.size() < size) {
        const ssize_t n = ::recv(connection_, chunk, sizeof(chunk), 0);
        if (n <= 0) return false;
        buffer_.append(chunk, static_cast<size_t>(n));
    }
    body_ = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return true;
}

std::string Exchange::path() const {
    const size_t begin = head_.find(' ') + 1;
    return head_.substr(begin, head_.find(' ', begin) - begin);
}

std::string Exchange::header(const std::string& name) const {
    std::string lower = head_;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const size_t at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 4;
    return head_.substr(begin, head_.find("\r\n", begin) - begin);
}

bool Exchange::send(const std::string& bytes) const {
    for (size_t sent = 0; sent < bytes.size();) {
        const ssize_t n = ::send(connection_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) return false;
        sent += static_cast<size_t>(n);
    }
    return true;
}

bool Exchange::answer(int status, const std::string& body, const std::string& headers) const {
    return send("HTTP/1.1 " + std::to_string(status) + " Words\r\ncontent-length: " + std::to_string(body.size()) +
                "\r\n" + headers + "\r\n" + body);
}

void Exchange::wait_for_end() const {
    char chunk[65536];
    while (::recv(connection_, chunk, sizeof(chunk), 0) > 0) continue;
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof(address);
    auto* general = reinterpret_cast<sockaddr*>(&address);
    if (listening_ < 0 || ::bind(listening_, general, size) != 0 || ::listen(listening_, 4096) != 0 ||
        ::getsockname(listening_, general, &size) != 0)
        throw std::system_error(errno, std::generic_category(), "listen");
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] {
        for (;;) {
            const int connection = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) return;
            const std::lock_guard hold(lock_);
            if (ended_) {
                ::close(connection);
                return;
            }
            connections_.push_back(connection);
            threads_.emplace_back([this, connection] { serve(connection); });
        }
    });
}

ScriptedServer::~ScriptedServer() {
    {
        const std::lock_guard hold(lock_);
        ended_ = true;
        for (int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    }
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listening_);
}

void ScriptedServer::serve(int connection) {
    Exchange exchange(connection);
    while (exchange.receive_head()) {
        ++requests_;
        if (!script_(exchange)) break;
    }
    const std::lock_guard hold(lock_);
    connections_.remove(connection);
    ::close(connection);
}

}  // namespace pg_ocr
