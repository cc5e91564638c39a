#include "unit/own_network.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

namespace pg_ocr {
namespace {

bool entered = false;
std::string hosts;

bool unshare_all() {
    if (::geteuid() == 0) return ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0;
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    return ::geteuid() == 0;
}

bool set_address(int socket, const char* interface, const char* digits) {
    ifreq request{};
    std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    auto* address = reinterpret_cast<sockaddr_in*>(&request.ifr_addr);
    address->sin_family = AF_INET;
    ::inet_pton(AF_INET, digits, &address->sin_addr);
    return ::ioctl(socket, SIOCSIFADDR, &request) == 0;
}

bool bring_up() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    const bool up = ::ioctl(socket, SIOCSIFFLAGS, &request) == 0 && set_address(socket, "lo:1", public_address);
    ::close(socket);
    return up;
}

bool name_hosts() {
    std::string pattern = "/tmp/pg_ocr_hosts_XXXXXX";
    const int file = ::mkstemp(pattern.data());
    if (file < 0) return false;
    ::fchmod(file, 0644);
    ::close(file);
    hosts = pattern;
    std::ofstream(hosts) << "127.0.0.1 localhost " << private_name << "\n"
                         << public_address << " " << public_name << " " << other_public_name << " " << mixed_name
                         << "\n"
                         << "127.0.0.1 " << mixed_name << "\n";
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    return ::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

bool enter_own_network() {
    // Tried by a child first: half of it would be worse than nothing.
    const pid_t child = ::fork();
    if (child == 0) {
        const bool possible = unshare_all() && bring_up() && name_hosts();
        if (!hosts.empty()) ::unlink(hosts.c_str());
        ::_exit(possible ? 0 : 1);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) return false;
    entered = unshare_all() && bring_up() && name_hosts();
    return entered;
}

bool in_own_network() { return entered; }

const std::string& hosts_file() { return hosts; }

}  // namespace pg_ocr
