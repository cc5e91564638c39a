// The socket at which the service of a card is found, by whoever has an engine to give a card to.
#pragma once

#include <string>

#include "protocol/frame.h"

namespace pg_ocr {

/// A place to connect to, for processes of this user only. The destructor removes it.
class CardSocket {
  public:
    /// Listens there; non-blocking. What was there before is removed, but for a directory. Throws std::system_error,
    /// naming the path.
    explicit CardSocket(std::string path);
    ~CardSocket() { remove(); }
    CardSocket(const CardSocket&) = delete;
    CardSocket& operator=(const CardSocket&) = delete;

    int get() const { return socket_.get(); }
    /// Once another process has it: with that process ends who could be connected with.
    void close() { socket_.reset(); }
    /// Nobody finds it any more.
    void remove() const noexcept;

  private:
    std::string path_;
    UniqueFd socket_;
};

/// Connected with who listens there; non-blocking. Nothing: nobody does, or so many wait that there is no place for one
/// more, or this process has no descriptor left. Never waits.
UniqueFd connect_to(const std::string& path);

}  // namespace pg_ocr
