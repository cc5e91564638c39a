#include "http/transfers.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace pg_ocr::http {
namespace {

constexpr long idle_connections = 256;

}  // namespace

Transfers::Transfers(const Trust& trust, size_t most_active, Answered answered)
    : trust_(trust),
      most_active_(most_active),
      answered_(std::move(answered)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      multi_(::curl_multi_init()) {
    if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    if (multi_ == nullptr) throw std::bad_alloc();
    ::curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    ::curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    ::curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    ::curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    ::curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle_connections);
}

Transfers::~Transfers() {
    for (auto& [id, easy] : active_) ::curl_multi_remove_handle(multi_, easy);
    transfers_.clear();
    ::curl_multi_cleanup(multi_);
}

void Transfers::add(HttpRequest request, UniqueFd content) {
    const uint64_t id = request.id;
    auto [at, is_new] = transfers_.try_emplace(id);
    if (!is_new) throw ProtocolError("a second request under the number of an open one");
    at->second = std::make_unique<Transfer>(std::move(request), std::move(content), trust_);
    waiting_.push_back(id);
}

int Transfers::timeout_ms() const {
    if (!waiting_.empty() && active_.size() < most_active_) return 0;
    std::optional<Clock::time_point> next = curl_due_;
    if (!due_.empty() && (!next || due_.begin()->first < *next)) next = due_.begin()->first;
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, 3600000));
}

void Transfers::run() {
    epoll_event events[256];
    const int ready = ::epoll_wait(epoll_.get(), events, static_cast<int>(std::size(events)), 0);
    int running = 0;
    for (int i = 0; i < ready; ++i) {
        int what = 0;
        if ((events[i].events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
        if ((events[i].events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
        if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
        ::curl_multi_socket_action(multi_, events[i].data.fd, what, &running);
    }
    if (curl_due_ && *curl_due_ <= Clock::now()) {
        curl_due_.reset();
        ::curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    take_ended();
    start_due();
}

void Transfers::take_ended() {
    int left = 0;
    while (CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode result = message->data.result;
        CURL* easy = message->easy_handle;
        char* owner = nullptr;
        ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
        ::curl_multi_remove_handle(multi_, easy);
        auto& transfer = *reinterpret_cast<Transfer*>(owner);
        active_.erase(transfer.id());
        switch (transfer.end(result)) {
            case Transfer::Next::over:
                finish(transfer);
                break;
            case Transfer::Next::again:
                due_.emplace(Clock::now() + transfer.wait(), transfer.id());
                break;
            case Transfer::Next::onward:
                start(transfer);
                break;
        }
    }
}

void Transfers::start_due() {
    const Clock::time_point now = Clock::now();
    while (!due_.empty() && due_.begin()->first <= now) {
        waiting_.push_front(due_.begin()->second);
        due_.erase(due_.begin());
    }
    while (!waiting_.empty() && active_.size() < most_active_) {
        const uint64_t id = waiting_.front();
        waiting_.pop_front();
        start(*transfers_.at(id));
    }
}

void Transfers::start(Transfer& transfer) {
    CURL* easy = transfer.begin();
    if (easy == nullptr) return finish(transfer);
    if (::curl_multi_add_handle(multi_, easy) != CURLM_OK) throw std::bad_alloc();
    active_[transfer.id()] = easy;
}

void Transfers::finish(Transfer& transfer) {
    answered_(transfer.response(), transfer.take_document());
    transfers_.erase(transfer.id());
}

int Transfers::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    auto& transfers = *static_cast<Transfers*>(self);
    if (what == CURL_POLL_REMOVE) {
        ::epoll_ctl(transfers.epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
        return 0;
    }
    epoll_event event{};
    event.data.fd = socket;
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    if (::epoll_ctl(transfers.epoll_.get(), EPOLL_CTL_MOD, socket, &event) == 0) return 0;
    return ::epoll_ctl(transfers.epoll_.get(), EPOLL_CTL_ADD, socket, &event) == 0 ? 0 : -1;
}

int Transfers::on_timer(CURLM*, long timeout_ms, void* self) {
    auto& transfers = *static_cast<Transfers*>(self);
    transfers.curl_due_.reset();
    if (timeout_ms >= 0) transfers.curl_due_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    return 0;
}

}  // namespace pg_ocr::http
