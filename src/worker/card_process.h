// The service of a card, pg_ocr_gpu, as the process that it is: started, told where engines will connect, listened to,
// and killed. Knows no Postgres.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/card_message.h"
#include "worker/card_socket.h"
#include "worker/child_process.h"

namespace pg_ocr {

struct CardSettings {
    std::string program;   ///< absolute path of pg_ocr_gpu
    std::string tessdata;  ///< absolute path of the directory of *.traineddata
    uint32_t card = 0;     ///< its number
    std::string library;   ///< absolute path of what drives it, or 'stand-in': the CPU
    uint64_t memory = 0;   ///< bytes that it may take of the card's
    uint32_t engines = 0;  ///< that may be connected at once
    std::string path;      ///< of the socket where it is found
    bool operator==(const CardSettings&) const = default;
};

/// How many cards there are that CUDA could use, as the directory of devices shows them.
uint32_t count_cards(const std::string& devices = "/dev");

/// One service, from its start to its end. The destructor kills what still lives, and nobody finds it any more.
class CardProcess {
  public:
    /// Throws std::system_error, naming the program or the path, when it cannot be started.
    explicit CardProcess(const CardSettings&);
    ~CardProcess();
    CardProcess(const CardProcess&) = delete;
    CardProcess& operator=(const CardProcess&) = delete;

    /// Readable when receive() has something to take in; non-blocking.
    int socket() const { return child_.socket(); }
    /// 0 once it has ended and was reaped.
    pid_t pid() const { return child_.pid(); }

    /// Takes in what it has said. Throws ProtocolError when it says what it must not, or is of another version: it is
    /// to be killed then. Its words follow "the service of the card ".
    void receive();
    bool closed() const { return child_.channel().closed(); }
    /// What it said when it was ready; nothing: it is not yet.
    const std::optional<CardReady>& ready() const { return ready_; }
    /// The last one.
    const CardReport& report() const { return report_; }

    /// After closed(): how it ended and its last words. Waits up to 2 s for the end, then makes one.
    std::string obituary() { return child_.obituary(); }
    /// What it complained about since the last call, a line each: of files of models, of engines. Printable ASCII.
    std::vector<std::string> take_complaints() { return std::exchange(complaints_, {}); }
    /// SIGKILL, and nobody finds it any more. Allocates nothing: an exit callback may call it where no destructor runs.
    void kill_now() noexcept;

  private:
    void take(const Frame&);

    CardSocket place_;
    ChildProcess child_;
    std::optional<CardReady> ready_;
    CardReport report_;
    std::vector<std::string> complaints_;
};

}  // namespace pg_ocr
