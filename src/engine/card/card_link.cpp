#include "engine/card/card_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

#include "recognise/step_scores.h"

namespace pg_ocr {
namespace {

using recognise::LineImage;
using recognise::Scores;
using recognise::scores_of;
using recognise::StepScores;

/// After that, the CPU would have read them long ago.
constexpr std::chrono::milliseconds longest_answer{1000};
/// Fewer are read before a card, step after step, is through with them.
constexpr size_t fewest_lines = 4;
constexpr uint64_t most_shared = 1u << 30;

/// The service has gone, or is not to be trusted.
struct CardLost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace

/// What the service shares with this engine, whose size neither can change.
struct CardLink::Memory {
    Memory(const UniqueFd& file, uint64_t wanted) : size(wanted) {
        constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW;
        struct stat status {};
        if (!file || size == 0 || size > most_shared || (::fcntl(file.get(), F_GET_SEALS) & seals) != seals ||
            ::fstat(file.get(), &status) != 0 || static_cast<uint64_t>(status.st_size) != size)
            throw CardLost("its memory is not as it should be");
        void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (mapped == MAP_FAILED)
            throw CardLost("its memory of " + std::to_string(size >> 20) +
                           " MB does not fit into the engine's; raise pg_ocr.engine_memory");
        bytes = static_cast<uint8_t*>(mapped);
    }
    ~Memory() { ::munmap(bytes, size); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    uint8_t* bytes = nullptr;
    size_t size;
};

CardLink::CardLink() = default;
CardLink::~CardLink() = default;

void CardLink::connect(UniqueFd socket, bool is_interactive) {
    memory_.reset();
    unknown_.clear();
    socket_ = std::move(socket);
    is_interactive_ = is_interactive;
    channel_.reset();
    if (::fcntl(socket_.get(), F_SETFL, O_NONBLOCK) == 0) channel_.emplace(socket_.get(), longest_card_frame);
}

void CardLink::leave(const std::string& why) {
    memory_.reset();
    channel_.reset();
    socket_.reset();
    trouble_ = "the card's service: " + why;
}

std::vector<std::optional<Scores>> CardLink::forward(const NetworkOnCard& network, std::span<const LineImage> lines) {
    if (!channel_ || lines.size() < fewest_lines || unknown_.contains(network.model)) return {};
    const Clock::time_point until = Clock::now() + longest_answer;
    try {
        if (!memory_) welcome(until);
        std::vector<std::optional<Scores>> scores;
        scores.reserve(lines.size());
        while (scores.size() < lines.size()) {
            const std::span<const LineImage> rest = lines.subspan(scores.size());
            const std::span<const LineImage> some = rest.first(fitting(network, rest));
            if (some.empty()) return {};
            const CardAnswer answer = ask(network, some, until);
            if (answer == CardAnswer::lost) throw CardLost("it has lost its card");
            if (answer == CardAnswer::unknown_model) unknown_.insert(network.model);
            if (answer != CardAnswer::scored) return {};
            take_scores(network, some, scores);
        }
        lines_ +=
            static_cast<uint64_t>(std::ranges::count_if(scores, [](const auto& line) { return line.has_value(); }));
        return scores;
    } catch (const CardLost& lost) {
        leave(lost.what());
    } catch (const ProtocolError& error) {
        leave(error.what());
    } catch (const std::system_error& error) {
        const bool has_gone = error.code() == std::errc::broken_pipe || error.code() == std::errc::connection_reset;
        leave(has_gone ? "it has gone" : error.what());
    }
    return {};
}

Frame CardLink::next_frame(CardMessageType type, Clock::time_point until) {
    for (;;) {
        if (std::optional<Frame> frame = channel_->receive()) {
            if (static_cast<CardMessageType>(frame->type) != type) throw ProtocolError("it said something out of turn");
            return std::move(*frame);
        }
        if (channel_->closed()) throw CardLost("it has gone");
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0) throw CardLost("it has not answered within a second");
        pollfd wait{socket_.get(), POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(left)) < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
    }
}

void CardLink::welcome(Clock::time_point until) {
    const Frame frame = next_frame(CardMessageType::welcome, until);
    memory_ = std::make_unique<Memory>(frame.fd, decode_card_welcome(frame.body).memory);
}

size_t CardLink::fitting(const NetworkOnCard& network, std::span<const LineImage> lines) const {
    const size_t most = longest_card_frame / sizeof(uint32_t) / 2;  // widths in a frame
    uint64_t pixels = 0, steps = 0;
    size_t count = 0;
    for (; count < std::min(lines.size(), most); ++count) {
        pixels += lines[count].pixels.size();
        steps += lines[count].width / network.x_scale;
        if (scores_begin(pixels) + steps * sizeof(StepScores) > memory_->size) break;
    }
    return count;
}

CardAnswer CardLink::ask(const NetworkOnCard& network, std::span<const LineImage> lines, Clock::time_point until) {
    ForwardRequest request{++last_id_, is_interactive_, network.model, network.fingerprint, {}};
    uint8_t* to = memory_->bytes;
    for (const LineImage& line : lines) {
        request.widths.push_back(line.width);
        to = std::copy(line.pixels.begin(), line.pixels.end(), to);
    }
    channel_->send(static_cast<uint8_t>(CardMessageType::forward), encode(request), -1,
                   static_cast<int>(longest_answer.count()));
    const ForwardAnswer answer = decode_scored(next_frame(CardMessageType::scored, until).body);
    if (answer.id != request.id) throw ProtocolError("it answered something that was not asked");
    return answer.answer;
}

void CardLink::take_scores(const NetworkOnCard& network, std::span<const LineImage> lines,
                           std::vector<std::optional<Scores>>& to) const {
    uint64_t pixels = 0;
    for (const LineImage& line : lines) pixels += line.pixels.size();
    const uint8_t* from = memory_->bytes + scores_begin(pixels);
    for (const LineImage& line : lines) {
        std::vector<StepScores> steps(line.width / network.x_scale);
        const size_t bytes = steps.size() * sizeof(StepScores);
        if (bytes > 0) std::memcpy(steps.data(), from, bytes);
        from += bytes;
        to.push_back(scores_of(steps, network.classes, network.null_code));
    }
}

uint64_t CardLink::take_lines() { return std::exchange(lines_, 0); }
std::string CardLink::take_trouble() { return std::exchange(trouble_, {}); }

}  // namespace pg_ocr
