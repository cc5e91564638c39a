#include "worker/card_process.h"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>
#include <vector>

namespace pg_ocr {
namespace {

constexpr int longest_send_ms = 10000;
constexpr uint32_t most_cards = 64;

std::vector<std::string> words_of(const CardSettings& settings) {
    return {"--tessdata", settings.tessdata,
            "--card",     std::to_string(settings.card),
            "--library",  settings.library,
            "--memory",   std::to_string(settings.memory),
            "--engines",  std::to_string(settings.engines)};
}

/// Kernels are loaded when they are used; and cards have the same numbers here as nvidia-smi gives them.
std::vector<std::string> environment() {
    return {"CUDA_MODULE_LOADING=LAZY", "CUDA_DEVICE_ORDER=PCI_BUS_ID", "LC_ALL=C.UTF-8"};
}

void require(bool holds, const std::string& complaint) {
    if (!holds) throw ProtocolError(complaint);
}

bool is_printable(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_no_less(const CardReport& now, const CardReport& before) {
    return now.lines >= before.lines && now.batches >= before.batches && now.refused >= before.refused &&
           now.busy_us >= before.busy_us;
}

}  // namespace

uint32_t count_cards(const std::string& devices) {
    uint32_t count = 0;
    for (uint32_t number = 0; number < most_cards; ++number) {
        struct stat status {};
        const std::string device = devices + "/nvidia" + std::to_string(number);
        if (::stat(device.c_str(), &status) == 0 && S_ISCHR(status.st_mode)) ++count;
    }
    return count;
}

CardProcess::CardProcess(const CardSettings& settings)
    : place_(settings.path), child_("service of a card", settings.program, words_of(settings), environment()) {
    try {
        child_.channel().send(static_cast<uint8_t>(CardMessageType::listen), "", place_.get(), longest_send_ms);
    } catch (const std::system_error& error) {
        // One that has ended already is found closed.
        if (error.code() != std::errc::broken_pipe && error.code() != std::errc::connection_reset) throw;
    }
    place_.close();  // who connects after its end is to be refused, and not to wait for nobody
}

CardProcess::~CardProcess() { kill_now(); }

void CardProcess::kill_now() noexcept {
    place_.remove();
    child_.kill_now();
}

void CardProcess::receive() {
    child_.read_stderr();
    while (const std::optional<Frame> frame = child_.channel().receive()) take(*frame);
}

void CardProcess::take(const Frame& frame) {
    require(!frame.fd, "sent a descriptor");
    if (!ready_) {
        require(static_cast<CardMessageType>(frame.type) == CardMessageType::ready,
                "did not say first that it is ready");
        CardReady ready = decode_card_ready(frame.body);
        require(is_printable(ready.version) && is_printable(ready.card), "sent a name that cannot be printed");
        require(ready.version == PG_OCR_VERSION, "is of version " + ready.version +
                                                     ", this library of " PG_OCR_VERSION
                                                     "; install both from one build and restart the server");
        ready_ = std::move(ready);
        return;
    }
    if (static_cast<CardMessageType>(frame.type) == CardMessageType::complaint) {
        std::string complaint = decode_complaint(frame.body);
        require(is_printable(complaint), "complained in what cannot be printed");
        complaints_.push_back(std::move(complaint));
        return;
    }
    require(static_cast<CardMessageType>(frame.type) == CardMessageType::report,
            "sent a message of type " + std::to_string(frame.type));
    const CardReport report = decode_card_report(frame.body);
    require(is_no_less(report, report_), "counts backwards");
    report_ = report;
}

}  // namespace pg_ocr
