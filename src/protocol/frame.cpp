#include "protocol/frame.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace pg_ocr {
namespace {

constexpr size_t header_size = 8;

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::string encode_header(uint8_t type, bool with_descriptor, uint32_t length) {
    std::string header(header_size, '\0');
    header[0] = static_cast<char>(protocol_version);
    header[1] = static_cast<char>(type);
    header[2] = static_cast<char>(with_descriptor);
    for (size_t i = 0; i < 4; ++i) header[4 + i] = static_cast<char>(length >> (8 * i));
    return header;
}

uint32_t decode_length(const std::string& header) {
    uint32_t length = 0;
    for (size_t i = 0; i < 4; ++i) length |= static_cast<uint32_t>(static_cast<uint8_t>(header[4 + i])) << (8 * i);
    return length;
}

std::string encode_frame(uint8_t type, const std::string& body, bool with_descriptor) {
    if (body.size() > max_frame_body)
        throw ProtocolError("a frame of " + std::to_string(body.size()) + " bytes is too long to send");
    return encode_header(type, with_descriptor, static_cast<uint32_t>(body.size())) + body;
}

/// Bytes that were sent, and the descriptor with the first of them; negative: an error, in errno.
ssize_t send_some(int socket, const char* bytes, size_t size, int fd_to_pass) {
    iovec io{const_cast<char*>(bytes), size};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (fd_to_pass >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &fd_to_pass, sizeof(int));
    }
    ssize_t n = 0;
    do n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

int UniqueFd::release() { return std::exchange(fd_, -1); }

void UniqueFd::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void Channel::send(uint8_t type, const std::string& body, int fd_to_pass, int timeout_ms) {
    const std::string bytes = encode_frame(type, body, fd_to_pass >= 0);
    size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t n = send_some(fd_, bytes.data() + sent, bytes.size() - sent, sent == 0 ? fd_to_pass : -1);
        if (n >= 0) {
            sent += static_cast<size_t>(n);
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) throw_errno("sendmsg");
        pollfd wait{fd_, POLLOUT, 0};
        int ready = ::poll(&wait, 1, timeout_ms);
        if (ready == 0) throw std::system_error(ETIMEDOUT, std::generic_category(), "sendmsg");
        if (ready < 0 && errno != EINTR) throw_errno("poll");
    }
}

void Channel::send_later(uint8_t type, const std::string& body, UniqueFd fd_to_pass) {
    std::string bytes = encode_frame(type, body, static_cast<bool>(fd_to_pass));
    unsent_bytes_ += bytes.size();
    unsent_.push_back({std::move(bytes), std::move(fd_to_pass)});
    flush();
}

void Channel::flush() {
    while (!unsent_.empty()) {
        Unsent& first = unsent_.front();
        const ssize_t n = send_some(fd_, first.bytes.data(), first.bytes.size(), first.fd.get());
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            closed_ = true;
            return;
        }
        if (n < 0) throw_errno("sendmsg");
        first.fd.reset();
        unsent_bytes_ -= static_cast<size_t>(n);
        if (static_cast<size_t>(n) == first.bytes.size())
            unsent_.pop_front();
        else
            first.bytes.erase(0, static_cast<size_t>(n));
    }
}

bool Channel::fill() {
    char chunk[65536];
    iovec io{chunk, sizeof(chunk)};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t n = 0;
    do n = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
        if (errno == ECONNRESET) {
            closed_ = true;
            return false;
        }
        throw_errno("recvmsg");
    }
    const bool too_many = (message.msg_flags & MSG_CTRUNC) != 0;
    size_t came = 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            UniqueFd received(fd);
            ++came;
            pending_fds_.push_back(std::move(received));
        }
    }
    // One descriptor may have come with a frame that is not whole yet, and one with the next.
    if (too_many || came > 1 || pending_fds_.size() > 2)
        throw ProtocolError("more than one descriptor came with a frame");
    if (n == 0) {
        closed_ = true;
        return false;
    }
    buffer_.append(chunk, static_cast<size_t>(n));
    return true;
}

std::optional<Frame> Channel::receive() {
    for (;;) {
        if (buffer_.size() >= header_size) {
            if (static_cast<uint8_t>(buffer_[0]) != protocol_version)
                throw ProtocolError("a frame of protocol version " + std::to_string(static_cast<uint8_t>(buffer_[0])) +
                                    " came, not " + std::to_string(protocol_version));
            if ((buffer_[2] & ~1) != 0 || buffer_[3] != 0) throw ProtocolError("a frame's header is damaged");
            uint32_t length = decode_length(buffer_);
            if (length > longest_)
                throw ProtocolError("a frame of " + std::to_string(length) + " bytes was announced, more than " +
                                    std::to_string(longest_));
            if (buffer_.size() - header_size >= length) {
                Frame frame;
                frame.type = static_cast<uint8_t>(buffer_[1]);
                frame.body = buffer_.substr(header_size, length);
                if (buffer_[2] != 0) {
                    if (pending_fds_.empty()) throw ProtocolError("a frame came without its descriptor");
                    frame.fd = std::move(pending_fds_.front());
                    pending_fds_.pop_front();
                }
                buffer_.erase(0, header_size + length);
                return frame;
            }
        }
        if (!fill()) return std::nullopt;
    }
}

}  // namespace pg_ocr
