// The engine: document bytes in, pages out. It warms up, locks itself in, says hello, and then reads one document after
// the other until its worker hangs up. Whatever a document does to it, only this process is lost.
#include <fcntl.h>
#include <iconv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "engine/card/card_link.h"
#include "engine/draw/page_image.h"
#include "engine/layout/recognisers.h"
#include "engine/pdf/compose.h"
#include "engine/read_document.h"
#include "protocol/message.h"
#include "sandbox/sandbox.h"

namespace pg_ocr {
namespace {

struct Arguments {
    int socket = -1;
    SandboxSettings sandbox;
    Recogniser recogniser = Recogniser::own;
};

template <typename Integer>
bool parse_number(std::string_view text, Integer& to) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size();
}

std::optional<Arguments> parse_arguments(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i + 1 < count; i += 2) {
        std::string_view name = words[i];
        std::string_view value = words[i + 1];
        if (name == "--socket" && parse_number(value, arguments.socket)) continue;
        if (name == "--parent" && parse_number(value, arguments.sandbox.parent)) continue;
        if (name == "--memory" && parse_number(value, arguments.sandbox.memory)) continue;
        if (name == "--tessdata") {
            arguments.sandbox.tessdata = value;
        } else if (name == "--recogniser") {
            arguments.recogniser = recogniser_of(value);
        } else {
            return std::nullopt;
        }
    }
    bool complete = count == 11 && arguments.socket >= 0 && arguments.sandbox.parent > 0 &&
                    arguments.sandbox.memory > 0 && !arguments.sandbox.tessdata.empty();
    if (!complete) return std::nullopt;
    return arguments;
}

/// The most memory that was resident so far. Not from getrusage(), whose figure begins with the parent's.
class PeakMemory {
  public:
    /// Opens what the sandbox will not let it open later.
    PeakMemory() : status_(::open("/proc/self/status", O_RDONLY | O_CLOEXEC)) {}
    /// Bytes; 0 when it is not known.
    uint64_t bytes() const {
        char content[4096] = {};
        if (::pread(status_.get(), content, sizeof(content) - 1, 0) <= 0) return 0;
        const char* line = std::strstr(content, "VmHWM:");
        unsigned long long kibibytes = 0;
        if (line == nullptr || std::sscanf(line, "VmHWM: %llu", &kibibytes) != 1) return 0;
        return uint64_t{kibibytes} << 10;
    }

  private:
    UniqueFd status_;
};

/// A sealed memory file, mapped read-only. Unsealed it could be cut off under the mapping, or changed while it is read.
class MappedDocument {
  public:
    explicit MappedDocument(const UniqueFd& file) {
        constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        int held = file ? ::fcntl(file.get(), F_GET_SEALS) : -1;
        if (held < 0 || (held & seals) != seals) throw ProtocolError("the document did not come as a sealed memfd");
        struct stat status {};
        if (::fstat(file.get(), &status) < 0) throw std::system_error(errno, std::generic_category(), "fstat");
        size_ = static_cast<size_t>(status.st_size);
        if (size_ == 0) return;
        void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.get(), 0);
        if (mapped == MAP_FAILED)
            throw DocumentError(ErrorCode::engine_memory,
                                "the document of " + std::to_string(size_) +
                                    " bytes does not fit into the engine's memory; raise pg_ocr.engine_memory");
        bytes_ = static_cast<const uint8_t*>(mapped);
    }
    ~MappedDocument() {
        if (bytes_ != nullptr) ::munmap(const_cast<uint8_t*>(bytes_), size_);
    }
    MappedDocument(const MappedDocument&) = delete;
    MappedDocument& operator=(const MappedDocument&) = delete;
    const uint8_t* bytes() const { return bytes_; }
    size_t size() const { return size_; }

  private:
    const uint8_t* bytes_ = nullptr;
    size_t size_ = 0;
};

void send(Channel& worker, MessageType type, const std::string& body) { worker.send(static_cast<uint8_t>(type), body); }

/// Tells the worker of each page as it is read.
class Reporter : public ReadEvents {
  public:
    explicit Reporter(Channel& worker) : worker_(worker) {}
    void opened(const DocumentInfo& info) override { send(worker_, MessageType::opened, encode(info)); }
    void page_started(uint32_t page_no) override {
        send(worker_, MessageType::page_started, encode_page_started(page_no));
    }
    void page_done(const Page& page) override {
        std::string body = encode(page);
        if (body.size() > max_frame_body) body = encode(too_large_to_send(page));
        send(worker_, MessageType::page_done, body);
    }

    ProviderAnswer ask(const Ask& question) override {
        const std::string body = encode(question);
        if (body.size() > max_frame_body)
            return {
                {ErrorCode::provider_refused, "the page's image is too large to be sent to server " + question.server},
                {}};
        send(worker_, MessageType::ask, body);
        const std::optional<Frame> answer = worker_.receive();
        if (!answer || static_cast<MessageType>(answer->type) != MessageType::answer)
            throw ProtocolError("something else than an answer came");
        return decode_answer(answer->body);
    }

  private:
    static Page too_large_to_send(const Page& page) {
        Page failed;
        failed.page_no = page.page_no;
        failed.status = PageStatus::failed;
        failed.elapsed_ms = page.elapsed_ms;
        failed.failure = {ErrorCode::too_much_text, "the page's text and layout take more than " +
                                                        std::to_string(max_frame_body >> 20) +
                                                        " MiB; split the page and submit its parts"};
        return failed;
    }
    Channel& worker_;
};

void read_one(Channel& worker, const Frame& frame, Recognisers& recognisers) {
    const ReadRequest request = decode_read(frame.body);
    MappedDocument document(frame.fd);
    Reporter reporter(worker);
    read_document(document.bytes(), document.size(), request, recognisers, reporter);
}

void draw_one(Channel& worker, const Frame& frame) {
    const DrawRequest request = decode_draw(frame.body);
    MappedDocument document(frame.fd);
    draw_document(document.bytes(), document.size(), request,
                  [&](const Drawn& drawn) { send(worker, MessageType::drawn, encode(drawn)); });
}

/// The words of the layouts that follow; nothing where the worker has hung up instead.
std::optional<TextLayerWriter> receive_layouts(Channel& worker) {
    TextLayerWriter text;
    while (std::optional<Frame> frame = worker.receive()) {
        const auto type = static_cast<MessageType>(frame->type);
        if (type == MessageType::layouts_end) return text;
        if (type != MessageType::page_layout) throw ProtocolError("something else than a page's layout came");
        text.add(decode_page_layout(frame->body));
    }
    return std::nullopt;
}

/// Whether the document was signed, and what was made of it is not.
bool compose_one(Channel& worker, const Frame& frame) {
    const ComposeRequest request = decode_compose(frame.body);
    const std::optional<TextLayerWriter> text = receive_layouts(worker);
    if (!text) return false;
    MappedDocument document(frame.fd);
    std::string piece;
    constexpr size_t piece_size = 1u << 20;
    auto flush = [&] {
        if (!piece.empty()) send(worker, MessageType::piece, piece);
        piece.clear();
    };
    const bool signature_broken =
        compose(Bytes(document.bytes(), document.size()), request, *text, [&](std::string_view bytes) {
            for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), piece_size))) {
                piece += bytes.substr(0, piece_size);
                if (piece.size() >= piece_size) flush();
            }
        });
    flush();
    return signature_broken;
}

void serve_one(Channel& worker, const Frame& frame, Recognisers& recognisers, CardLink& card,
               const PeakMemory& peak_memory) {
    try {
        Finished finished;
        switch (static_cast<MessageType>(frame.type)) {
            case MessageType::read:
                read_one(worker, frame, recognisers);
                break;
            case MessageType::draw:
                draw_one(worker, frame);
                break;
            case MessageType::compose:
                finished.signature_broken = compose_one(worker, frame);
                break;
            default:
                throw ProtocolError("a message of type " + std::to_string(frame.type) + " came, which asks nothing");
        }
        finished.peak_memory = peak_memory.bytes();
        finished.card_lines = card.take_lines();
        finished.card_trouble = card.take_trouble();
        send(worker, MessageType::finished, encode(finished));
    } catch (const DocumentError& error) {
        send(worker, MessageType::failed, encode(error.failure));
    }
}

/// False: memory has run out, and a fresh engine is to follow.
bool serve(Channel& worker, Recognisers& recognisers, CardLink& card, const PeakMemory& peak_memory) {
    while (std::optional<Frame> frame = worker.receive()) {
        if (static_cast<MessageType>(frame->type) == MessageType::card) {
            const CardGrant grant = decode_card_grant(frame->body);
            card.connect(std::move(frame->fd), grant.is_interactive);
            continue;
        }
        try {
            serve_one(worker, *frame, recognisers, card, peak_memory);
        } catch (const std::bad_alloc&) {
            send(worker, MessageType::failed,
                 encode(Failure{ErrorCode::engine_memory,
                                "the engine ran out of memory; raise pg_ocr.engine_memory or submit smaller pages"}));
            return false;
        }
    }
    return true;
}

/// Returns the exit status.
int run(const Arguments& arguments) {
    PeakMemory peak_memory;
    CardLink card;
    Recognisers recognisers(arguments.sandbox.tessdata, &card);
    try {
        warm_up(recognisers, "eng", arguments.recogniser);
    } catch (const DocumentError& error) {
        // A server without English is as good as any: its own languages are loaded when they are asked for.
        if (error.failure.code != ErrorCode::language_missing) throw;
    }
    warm_up_compose();
    // poppler converts with iconv, whose module for UTF-16 could not be mapped any more in the sandbox: keep it loaded.
    iconv_t failed = reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): so iconv_open(3) has it
    if (::iconv_open("UTF-8", "UTF-16") == failed)
        throw std::system_error(errno, std::generic_category(), "iconv_open for UTF-16");

    Channel worker(arguments.socket);
    Hello hello{PG_OCR_VERSION, recogniser_version(), enter_sandbox(arguments.sandbox)};
    send(worker, MessageType::hello, encode(hello));
    if (serve(worker, recognisers, card, peak_memory)) return 0;
    std::fputs("the engine ran out of memory\n", stderr);
    return 1;
}

bool is_socket(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace
}  // namespace pg_ocr

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::puts("pg_ocr_engine " PG_OCR_VERSION);
        return 0;
    }
    try {
        std::optional<pg_ocr::Arguments> arguments = pg_ocr::parse_arguments(argc, argv);
        if (!arguments || !pg_ocr::is_socket(arguments->socket)) {
            std::fputs(
                "pg_ocr_engine reads documents for PostgreSQL's extension pg_ocr. Its workers start it when there is\n"
                "something to read; it is not started by hand. To read a document, call ocr() or ocr_submit() in a\n"
                "database that has the extension.\n",
                stderr);
            return 2;
        }
        if (!pg_ocr::die_with_parent(arguments->sandbox.parent)) {
            std::fputs("the process that started the engine has ended\n", stderr);
            return 1;
        }
        return pg_ocr::run(*arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
