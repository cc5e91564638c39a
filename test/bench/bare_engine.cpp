// The engine without a database: reads files with several engines at once, as workers do, and writes each one's text.
// What is left between this and the whole pipeline is what the queue costs. Prints the number of pages, and what memory
// an engine held: before the first document, after the last, and at most; in bytes, of the engine that held most.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sealed_document.h"
#include "worker/engine_process.h"

namespace {

using namespace pg_ocr;

struct Reader {
    std::unique_ptr<EngineProcess> engine;
    std::ofstream text;
    bool ready = false;
};

UniqueFd sealed(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + path.string());
    SealedDocument document;
    std::vector<char> chunk(1 << 20);
    while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0)
        document.append(chunk.data(), static_cast<size_t>(file.gcount()));
    return document.seal();
}

/// Bytes of one engine.
struct Memory {
    uint64_t warm = 0, after = 0, peak = 0;
};

class Benchmark {
  public:
    Benchmark(const EngineSettings& settings, Recogniser recogniser, size_t engines, std::filesystem::path out,
              std::vector<std::filesystem::path> files)
        : recogniser_(recogniser), out_(std::move(out)), files_(std::move(files)), readers_(engines) {
        for (Reader& reader : readers_) reader.engine = std::make_unique<EngineProcess>(settings);
    }

    /// Returns the pages read.
    size_t run() {
        size_t busy = readers_.size();
        while (busy > 0) {
            std::vector<pollfd> sockets;
            for (const Reader& reader : readers_)
                sockets.push_back({reader.engine ? reader.engine->socket() : -1, POLLIN, 0});
            if (poll(sockets.data(), sockets.size(), -1) < 0 && errno != EINTR)
                throw std::system_error(errno, std::generic_category(), "poll");
            for (size_t i = 0; i < readers_.size(); ++i)
                if (sockets[i].revents != 0 && !listen(readers_[i])) --busy;
        }
        return pages_;
    }
    const Memory& memory() const { return memory_; }

  private:
    /// False: nothing is left for this engine, which is gone now.
    bool listen(Reader& reader) {
        while (std::optional<EngineMessage> message = reader.engine->receive()) {
            if (const auto* page = std::get_if<Page>(&*message)) {
                ++pages_;
                reader.text << page->text << '\f';
            } else if (const auto* failure = std::get_if<Failure>(&*message)) {
                throw std::runtime_error("a document could not be read: " + failure->message);
            } else if (std::holds_alternative<Hello>(*message) || std::holds_alternative<Finished>(*message)) {
                take_memory(*reader.engine, *message);
                if (next_ == files_.size()) {
                    reader.engine.reset();
                    return false;
                }
                start(reader, files_[next_++]);
            }
        }
        if (reader.engine->closed()) throw std::runtime_error("the engine " + reader.engine->obituary());
        return true;
    }

    void take_memory(const EngineProcess& engine, const EngineMessage& message) {
        const auto* finished = std::get_if<Finished>(&message);
        uint64_t& resident = finished == nullptr ? memory_.warm : memory_.after;
        resident = std::max(resident, engine.resident_memory());
        if (finished != nullptr) memory_.peak = std::max(memory_.peak, finished->peak_memory);
    }

    void start(Reader& reader, const std::filesystem::path& file) {
        reader.text = std::ofstream(out_ / (file.filename().string() + ".txt"), std::ios::binary);
        UniqueFd document = sealed(file);
        ReadRequest request;
        request.text_layer = TextLayer::ignore;
        request.providers = {std::string(name_of(recogniser_))};
        reader.engine->send_read(request, document.get());
    }

    Recogniser recogniser_;
    std::filesystem::path out_;
    std::vector<std::filesystem::path> files_;
    std::vector<Reader> readers_;
    size_t next_ = 0;
    size_t pages_ = 0;
    Memory memory_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::string_view recogniser = argc < 7 ? "" : argv[4];
    if (recogniser != "own" && recogniser != "tesseract") {
        std::fprintf(stderr,
                     "usage: bare_engine ENGINE_PROGRAM TESSDATA ENGINES own|tesseract OUT_DIRECTORY FILE...\n");
        return 2;
    }
    try {
        pg_ocr::EngineSettings settings;
        settings.program = argv[1];
        settings.tessdata = argv[2];
        settings.memory = uint64_t{2048} << 20;
        Benchmark benchmark(settings, recogniser == "own" ? Recogniser::own : Recogniser::tesseract,
                            std::strtoul(argv[3], nullptr, 10), argv[5], {argv + 6, argv + argc});
        const size_t pages = benchmark.run();
        const Memory& memory = benchmark.memory();
        std::cout << pages << ' ' << memory.warm << ' ' << memory.after << ' ' << memory.peak << '\n';
    } catch (const std::exception& error) {
        std::cerr << "bare_engine: " << error.what() << '\n';
        return 1;
    }
}
