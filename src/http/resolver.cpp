#include "http/resolver.h"

#include <netdb.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>

namespace pg_ocr::http {

void warm_up_resolver() {
    // No label may be longer than 63 bytes, so every module of /etc/nsswitch.conf is loaded and none has to ask around.
    const std::string impossible(70, 'x');
    addrinfo* found = nullptr;
    for (const std::string& name : {std::string("localhost"), impossible + ".invalid"}) {
        if (::getaddrinfo(name.c_str(), "80", nullptr, &found) == 0) ::freeaddrinfo(found);
    }
}

WatchedFiles::WatchedFiles(const std::string& bundle) : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    for (const char* path : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"}) watch(path);
    if (!bundle.empty()) watch(bundle);
}

/// The file itself may be written to, and another may be put in its place, or in that of what it links to.
void WatchedFiles::watch(const std::string& path) {
    char real[PATH_MAX];
    if (const int file = ::inotify_add_watch(inotify_.get(), path.c_str(), IN_CLOSE_WRITE); file >= 0)
        names_.emplace_back(file, "");
    for (const std::string& file :
         {path, std::string(::realpath(path.c_str(), real) != nullptr ? real : path.c_str())}) {
        const size_t slash = file.rfind('/');
        const int directory = ::inotify_add_watch(inotify_.get(), file.substr(0, slash + 1).c_str(),
                                                  IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
        if (directory >= 0) names_.emplace_back(directory, file.substr(slash + 1));
    }
}

bool WatchedFiles::changed() {
    alignas(inotify_event) char events[4096];
    ssize_t n = 0;
    while (inotify_ && (n = ::read(inotify_.get(), events, sizeof(events))) > 0) {
        for (const char* at = events; at < events + n;) {
            inotify_event event{};
            std::memcpy(&event, at, sizeof(event));
            const std::string name = event.len > 0 ? at + sizeof(event) : "";
            for (const auto& [directory, watched] : names_)
                changed_ = changed_ || (directory == event.wd && watched == name);
            at += sizeof(event) + event.len;
        }
    }
    return changed_;
}

}  // namespace pg_ocr::http
