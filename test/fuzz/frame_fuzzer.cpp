// The stream of frames on the socket, as a rogue on its other end may send it: in pieces of any size, with descriptors
// where none belong.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "fuzz/promise.h"
#include "protocol/frame.h"

using namespace pg_ocr;

namespace {

/// What a receiver makes of a stream.
struct Heard {
    std::vector<std::pair<uint8_t, std::string>> frames;
    std::string complaint;
    bool operator==(const Heard&) const = default;
};

/// Whether there was room.
bool send_piece(int socket, std::string_view piece, int descriptors) {
    iovec io{const_cast<char*>(piece.data()), piece.size()};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    constexpr size_t most = 6;
    alignas(cmsghdr) char control[CMSG_SPACE(most * sizeof(int))] = {};
    if (descriptors > 0) {
        const int zeros[most] = {};  // the fuzzer's own standard input, as good as any
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(static_cast<size_t>(descriptors) * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(static_cast<size_t>(descriptors) * sizeof(int));
        std::memcpy(CMSG_DATA(header), zeros, static_cast<size_t>(descriptors) * sizeof(int));
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(piece.size());
}

/// The lowest free descriptor: it rises where one leaks.
int lowest_free_descriptor() {
    int fd = ::dup(0);
    ::close(fd);
    return fd;
}

/// Pieces of the sizes that the pattern says, each with as many descriptors.
Heard heard(std::string_view stream, std::string_view pattern) {
    int ends[2] = {-1, -1};
    promise(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "there are sockets");
    UniqueFd ours(ends[0]), theirs(ends[1]);
    Channel channel(ours.get());
    Heard result;
    size_t at = 0, step = 0, received = 0;
    try {
        while (!channel.closed()) {
            if (at < stream.size()) {
                uint8_t how = pattern.empty() ? 0 : static_cast<uint8_t>(pattern[step++ % pattern.size()]);
                size_t size = pattern.empty() ? stream.size() : 1u + (how & 0x1fu);
                int descriptors = how >> 5 < 7 ? how >> 6 : 6;
                if (pattern.empty()) descriptors = 0;
                std::string_view piece = stream.substr(at, size);
                if (!send_piece(theirs.get(), piece, descriptors)) break;
                at += piece.size();
            } else {
                theirs.reset();
            }
            while (std::optional<Frame> frame = channel.receive()) {
                received += 8 + frame->body.size();
                promise(received <= at, "no frame holds more than was sent");
                result.frames.emplace_back(frame->type, std::move(frame->body));
            }
        }
    } catch (const ProtocolError& error) {
        result.complaint = error.what();
    }
    return result;
}

/// What is to be heard, as the head of protocol/frame.h describes it: in one piece, and without descriptors.
Heard expected(std::string_view stream) {
    Heard result;
    auto byte = [&stream](size_t i) { return static_cast<uint8_t>(stream[i]); };
    while (stream.size() >= 8) {
        uint64_t length = byte(4) + 256ull * byte(5) + 65536ull * byte(6) + 16777216ull * byte(7);
        bool sound = byte(0) == protocol_version && byte(2) <= 1 && byte(3) == 0 && length <= max_frame_body;
        if (sound && stream.size() - 8 < length) break;
        if (!sound || byte(2) == 1) {
            result.complaint = "any";
            break;
        }
        result.frames.emplace_back(byte(1), stream.substr(8, length));
        stream.remove_prefix(8 + length);
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const int free_before = lowest_free_descriptor();
    std::string_view input(reinterpret_cast<const char*>(data), size);
    size_t pattern_length = std::min<size_t>(input[0] & 7, size - 1);
    std::string_view pattern = input.substr(1, pattern_length), stream = input.substr(1 + pattern_length);
    Heard in_pieces = heard(stream, pattern);
    std::string sizes_only(pattern);
    for (char& how : sizes_only) how &= 0x1f;
    Heard in_one = heard(stream, {}), wanted = expected(stream);
    promise(in_one.frames == wanted.frames && in_one.complaint.empty() == wanted.complaint.empty(),
            "sound frames are heard, and the first that is not is refused");
    promise(heard(stream, sizes_only) == in_one, "in pieces a stream says what it says in one");
    promise(in_pieces.complaint.size() < 200, "complaints are short");
    promise(lowest_free_descriptor() == free_before, "no descriptor is left open");
    return 0;
}
