// Frames on the socket between a worker and its engine: an 8-byte header (version, type, whether a descriptor travels
// with it, zero, length as little-endian u32), then a body of at most max_frame_body bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>

namespace pg_ocr {

inline constexpr uint8_t protocol_version = 5;
inline constexpr uint32_t max_frame_body = 64u << 20;

/// The other side broke the protocol; nothing it says is to be trusted any more.
struct ProtocolError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A descriptor that closes itself.
class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    ~UniqueFd() { reset(); }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release();
    void reset();

  private:
    int fd_ = -1;
};

struct Frame {
    uint8_t type = 0;
    std::string body;
    UniqueFd fd;
};

/// One end of the socket. It does not own the descriptor.
class Channel {
  public:
    /// Takes no frames that are longer than `longest`.
    explicit Channel(int fd, uint32_t longest = max_frame_body) : fd_(fd), longest_(longest) {}
    /// Writes all of it, waiting for room for up to timeout_ms (-1: for ever). Throws std::system_error, also on
    /// time-out.
    void send(uint8_t type, const std::string& body, int fd_to_pass = -1, int timeout_ms = -1);
    /// The same without waiting: what the socket has no room for is kept until flush(). The descriptor is the
    /// channel's.
    void send_later(uint8_t type, const std::string& body, UniqueFd fd_to_pass);
    /// Sends what there is room for. Sets closed() where nobody reads any more. Throws std::system_error.
    void flush();
    /// Bytes that wait for room.
    size_t unsent() const { return unsent_bytes_; }
    /// The next frame, or nothing where the socket is non-blocking and no whole frame has come yet. Sets closed() at
    /// the end of the stream. Throws ProtocolError, std::system_error.
    std::optional<Frame> receive();
    bool closed() const { return closed_; }

  private:
    struct Unsent {
        std::string bytes;
        UniqueFd fd;
    };

    bool fill();
    int fd_;
    uint32_t longest_;
    std::deque<Unsent> unsent_;
    size_t unsent_bytes_ = 0;
    std::string buffer_;
    std::deque<UniqueFd> pending_fds_;  ///< of the frames in the buffer, and of the next
    bool closed_ = false;
};

}  // namespace pg_ocr
