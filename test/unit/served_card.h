// The service of a card in a thread of the test, and engines' ways to it.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "gpu/card_service.h"

namespace pg_ocr {

inline std::pair<UniqueFd, UniqueFd> connected_sockets() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::system_error(errno, std::generic_category(), "socketpair");
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

class ServedCard {
  public:
    explicit ServedCard(const CardTable& table, CardServiceSettings settings = {}, uint64_t memory = 64u << 20) {
        if (settings.models.empty()) settings.models = TESSDATA;
        if (settings.most_engines == 0) settings.most_engines = 100;
        auto [ours, theirs] = connected_sockets();
        parent_ = std::move(ours);
        ::sockaddr_un address = next_address();
        UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listening.get(), 100) != 0)
            throw std::system_error(errno, std::generic_category(), "listen");
        address_ = address;
        Channel(parent_.get()).send(static_cast<uint8_t>(CardMessageType::listen), "", listening.get());
        error_ = thrown_.get_future();
        thread_ = std::thread([this, &table, settings, memory, socket = std::move(theirs)] {
            CardInfo info{};
            Card* card = table.open(0, memory, &info);
            {
                CardService service(table, card, info, settings, socket.get());
                try {
                    service.run();
                    thrown_.set_value("");
                } catch (const std::runtime_error& thrown) {
                    thrown_.set_value(thrown.what());
                }
            }
            table.close(card);
        });
    }
    ~ServedCard() {
        hang_up();
        thread_.join();
    }
    ServedCard(const ServedCard&) = delete;
    ServedCard& operator=(const ServedCard&) = delete;

    /// What an engine is given.
    UniqueFd connect() const {
        UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) != 0)
            throw std::system_error(errno, std::generic_category(), "connect");
        return socket;
    }
    /// What the service says to who started it; blocking.
    Frame heard() {
        std::optional<Frame> frame = from_service().receive();
        if (!frame) throw std::runtime_error("the service says nothing");
        return std::move(*frame);
    }
    /// Waits until it serves no more: why; empty: who started it has hung up.
    std::string error() { return error_.get(); }
    void hang_up() { (void)::shutdown(parent_.get(), SHUT_RDWR); }

  private:
    static sockaddr_un next_address();
    Channel& from_service() {
        if (!channel_) channel_.emplace(parent_.get());
        return *channel_;
    }
    UniqueFd parent_;
    std::optional<Channel> channel_;
    sockaddr_un address_{};
    std::promise<std::string> thrown_;
    std::future<std::string> error_;
    std::thread thread_;
};

/// In the kernel's own names for sockets, of which no file is left.
inline sockaddr_un ServedCard::next_address() {
    static int count = 0;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "pg_ocr card test " + std::to_string(::getpid()) + " " + std::to_string(++count);
    name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
    return address;
}

}  // namespace pg_ocr
