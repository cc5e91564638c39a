#include "worker/engine_process.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace pg_ocr {
namespace {

std::vector<std::string> words_of(const EngineSettings& settings) {
    return {"--tessdata",   settings.tessdata,
            "--memory",     std::to_string(settings.memory),
            "--recogniser", std::string(name_of(settings.recogniser))};
}

void require(bool holds, const char* complaint) {
    if (!holds) throw ProtocolError(std::string("the engine ") + complaint);
}

void require_text(std::string_view bytes) { require(is_text(bytes), "sent text that is not UTF-8"); }

}  // namespace

// Tesseract's threads make a worker-per-core host slower, and would be born before the filter that is to hold them.
EngineProcess::EngineProcess(const EngineSettings& settings)
    : child_("engine", settings.program, words_of(settings), {"OMP_THREAD_LIMIT=1", "LC_ALL=C.UTF-8"}) {}

void EngineProcess::begin(State state) {
    if (state_ != State::idle)
        throw std::logic_error("a document for an engine that has not said hello, or is still at another");
    state_ = state;
    page_open_ = 0;
    is_asking_ = false;
}

void EngineProcess::send(MessageType type, const std::string& body, int memfd) {
    try {
        child_.channel().send(static_cast<uint8_t>(type), body, memfd, 10000);
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::broken_pipe && error.code() != std::errc::connection_reset) throw;
    }
}

void EngineProcess::send_read(const ReadRequest& request, int memfd) {
    begin(State::opening);
    request_ = request;
    request_.password.clear();
    send(MessageType::read, encode(request), memfd);
}

void EngineProcess::send_card(const CardGrant& grant, int socket) {
    if (state_ != State::idle) throw std::logic_error("a card for an engine that is at a document");
    send(MessageType::card, encode(grant), socket);
}

void EngineProcess::send_answer(const ProviderAnswer& answer) {
    if (!is_asking_) throw std::logic_error("an answer for an engine that has not asked");
    is_asking_ = false;
    send(MessageType::answer, encode(answer));
}

void EngineProcess::send_draw(const DrawRequest& request, int memfd) {
    begin(State::drawing);
    to_draw_.clear();
    for (const PageView& view : request.pages) to_draw_.push_back(view.page_no);
    send(MessageType::draw, encode(request), memfd);
}

void EngineProcess::send_compose(const ComposeRequest& request, int memfd) {
    begin(State::laying_out);
    send(MessageType::compose, encode(request), memfd);
}

void EngineProcess::send_layout(const PageLayout& page) {
    if (state_ != State::laying_out) throw std::logic_error("a layout for an engine that is not at a PDF");
    send(MessageType::page_layout, encode(page));
}

void EngineProcess::send_layouts_end() {
    if (state_ != State::laying_out) throw std::logic_error("the end of layouts that did not begin");
    state_ = State::composing;
    send(MessageType::layouts_end, "");
}

std::optional<EngineMessage> EngineProcess::receive() {
    child_.read_stderr();
    std::optional<Frame> frame = child_.channel().receive();
    if (!frame) return std::nullopt;
    return accept(std::move(*frame));
}

EngineMessage EngineProcess::accept(Frame&& frame) {
    require(!frame.fd, "sent a descriptor");
    auto type = static_cast<MessageType>(frame.type);
    if (state_ == State::starting) {
        require(type == MessageType::hello, "did not say hello first");
        Hello hello = decode_hello(frame.body);
        require_text(hello.version);
        require_text(hello.tesseract);
        for (const Protection& protection : hello.protections) {
            require_text(protection.name);
            require_text(protection.detail);
        }
        state_ = State::idle;
        return hello;
    }
    require(state_ != State::idle && state_ != State::laying_out, "spoke without having been asked");
    require(!is_asking_, "went on before it was answered");
    if (type == MessageType::failed) {
        Failure failure = decode_failed(frame.body);
        require_text(failure.message);
        end_document();
        return failure;
    }
    if (state_ == State::drawing && type == MessageType::drawn) {
        Drawn drawn = decode_drawn(frame.body);
        accept_drawn(drawn);
        return drawn;
    }
    if (state_ == State::composing && type == MessageType::piece) return decode_piece(std::move(frame.body));
    if (state_ == State::drawing || state_ == State::composing) {
        require(type == MessageType::finished, "sent a message out of turn");
        Finished finished = decode_finished(frame.body);
        require_text(finished.card_trouble);
        require(state_ == State::composing || to_draw_.empty(), "finished with pages missing");
        end_document();
        return finished;
    }
    if (state_ == State::opening) {
        require(type == MessageType::opened, "did not open the document first");
        DocumentInfo info = decode_opened(frame.body);
        accept_opened(info);
        return info;
    }
    switch (type) {
        case MessageType::page_started: {
            uint32_t page_no = decode_page_started(frame.body);
            accept_page_started(page_no);
            return PageStarted{page_no};
        }
        case MessageType::page_done: {
            Page page = decode_page_done(frame.body);
            accept_page_done(page);
            return page;
        }
        case MessageType::ask: {
            Ask ask = decode_ask(frame.body);
            accept_ask(ask);
            return ask;
        }
        case MessageType::finished: {
            Finished finished = decode_finished(frame.body);
            require_text(finished.card_trouble);
            accept_finished();
            return finished;
        }
        default:
            throw ProtocolError("the engine sent a message of type " + std::to_string(frame.type) + " out of turn");
    }
}

void EngineProcess::accept_opened(const DocumentInfo& info) {
    require_text(info.type);
    require(info.selected == selected_pages(request_, info.pages).size(), "miscounted the pages that were asked for");
    const std::vector<uint32_t> to_read = pages_to_read(request_, info.pages);
    to_read_ = std::set<uint32_t>(to_read.begin(), to_read.end());
    state_ = State::reading;
}

void EngineProcess::accept_page_started(uint32_t page_no) {
    require(page_open_ == 0, "started a page before it was done with another");
    require(to_read_.contains(page_no), "started a page that was not asked for, or is done already");
    page_open_ = page_no;
}

void EngineProcess::accept_page_done(const Page& page) {
    require(page_open_ != 0 && page.page_no == page_open_, "is done with a page that it had not started");
    require_text(page.text);
    require_text(page.layout);
    require_text(page.provider);
    require_text(page.tried);
    require_text(page.failure.message);
    to_read_.erase(page.page_no);
    page_open_ = 0;
}

void EngineProcess::accept_ask(const Ask& ask) {
    require(page_open_ != 0 && ask.page_no == page_open_, "asks about a page that it is not at");
    require(std::ranges::find(request_.providers, ask.server) != request_.providers.end(),
            "asks for a server that it was not told of");
    require_text(ask.languages);
    is_asking_ = true;
}

void EngineProcess::accept_drawn(const Drawn& drawn) {
    require(!to_draw_.empty() && drawn.page_no == to_draw_.front(), "drew a page that was not its turn");
    to_draw_.pop_front();
    require_text(drawn.type);
    require_text(drawn.failure.message);
}

void EngineProcess::accept_finished() {
    require(page_open_ == 0 && to_read_.empty(), "finished with pages missing");
    end_document();
}

void EngineProcess::end_document() {
    state_ = State::idle;
    to_read_.clear();
    ++documents_read_;
    // What it said of this document is not why it dies of another.
    child_.forget_words();
}

Failure EngineProcess::cause_of_death() {
    std::string how = "the engine " + obituary();
    auto said = [this](std::string_view words) { return child_.said(words); };
    // Poppler, libstdc++ and libjpeg end the process when there is no memory left; poppler as well when it is asked for
    // more than numbers can count.
    if (said("Bogus memory allocation size"))
        return {page_open_ != 0 ? ErrorCode::page_damaged : ErrorCode::document_damaged,
                "it asks for more memory than there can be, and " + how + "; submit it again from an undamaged file"};
    if (said("Out of memory") || said("out of memory") || said("bad_alloc") || said("Insufficient memory"))
        return {ErrorCode::engine_memory,
                "there is not enough memory to read it, and " + how + "; raise pg_ocr.engine_memory"};
    return {ErrorCode::engine_crashed, how};
}

}  // namespace pg_ocr
