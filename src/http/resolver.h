// Resolving names by the C library, in a process that will lose its files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/frame.h"

namespace pg_ocr::http {

/// Loads what the C library resolves names with, while there are files; asks no server.
void warm_up_resolver();

/// Notices that a file has changed which was read before the sandbox closed: those of name resolution, and the bundle
/// of authorities. A fresh process would read the new one.
class WatchedFiles {
  public:
    explicit WatchedFiles(const std::string& bundle);
    int fd() const {
        return inotify_.get();
    }  ///< readable when changed() may say otherwise than before; -1: not watched
    bool changed();

  private:
    void watch(const std::string& path);
    UniqueFd inotify_;
    std::vector<std::pair<int, std::string>> names_;  ///< by watched directory
    bool changed_ = false;
};

}  // namespace pg_ocr::http
