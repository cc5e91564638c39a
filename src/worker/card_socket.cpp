#include "worker/card_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace pg_ocr {
namespace {

constexpr int most_waiting = 128;

[[noreturn]] void throw_error(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        throw_error(path);
    }
    path.copy(address.sun_path, path.size());
    return address;
}

const sockaddr* plain(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

UniqueFd open_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

}  // namespace

CardSocket::CardSocket(std::string path) : path_(std::move(path)), socket_(open_socket()) {
    const sockaddr_un address = address_of(path_);
    ::unlink(path_.c_str());
    // Of a socket that has no name yet, the mode is what its name will have.
    if (!socket_ || ::fchmod(socket_.get(), S_IRUSR | S_IWUSR) != 0 ||
        ::bind(socket_.get(), plain(address), sizeof(address)) != 0 || ::listen(socket_.get(), most_waiting) != 0)
        throw_error("could not listen at " + path_);
}

void CardSocket::remove() const noexcept { ::unlink(path_.c_str()); }

UniqueFd connect_to(const std::string& path) {
    const sockaddr_un address = address_of(path);
    UniqueFd socket = open_socket();
    if (socket && ::connect(socket.get(), plain(address), sizeof(address)) != 0) socket.reset();
    return socket;
}

}  // namespace pg_ocr
