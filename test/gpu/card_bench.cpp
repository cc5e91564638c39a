// What a card makes of pages' lines, beside this machine's CPU, in one run:
//
//   card_bench TABLE MODELS LINES                                        the service, fed from memory, and the CPU
//   card_bench TABLE MODELS LINES ENGINE IMAGE…                          … and whole engines
//
// TABLE is the path of pg_ocr_cuda.so, or 'stand-in'. LINES is a file of saved lines, MODELS a directory with
// eng.traineddata, ENGINE the program. Everything but the CPU alone goes through the service, as engines use it.
#include <dlfcn.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/card/card_link.h"
#include "protocol/sealed_document.h"
#include "recognise/backend.h"
#include "recognise/model_file.h"
#include "saved_lines.h"
#include "unit/served_card.h"
#include "worker/engine_process.h"

namespace {

using namespace pg_ocr;
using recognise::LineImage;
using Clock = std::chrono::steady_clock;

/// Lines that an engine sends at once.
constexpr size_t lines_at_once = 64;
constexpr double seconds_of_a_run = 5;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Counted {
    size_t pages = 0, lines = 0, lines_by_cpu = 0;
    double seconds = 0;
    std::vector<double> page_ms;
    double percentile(double share) {
        if (page_ms.empty()) return 0;
        std::ranges::sort(page_ms);
        return page_ms[std::min(page_ms.size() - 1, static_cast<size_t>(share * static_cast<double>(page_ms.size())))];
    }
};

/// Reads pages, one after the other, until the time is up; gives the lines that it had to read otherwise.
using ReadLines = std::function<size_t(std::span<const LineImage>)>;

/// So many readers side by side, each of which is made by `reader`.
Counted measure(const SavedPages& pages, size_t readers, const std::function<ReadLines(size_t)>& reader) {
    Counted all;
    std::mutex mutex;
    std::vector<std::thread> threads;
    const Clock::time_point begin = Clock::now();
    for (size_t i = 0; i < readers; ++i)
        threads.emplace_back([&, i] {
            const ReadLines read = reader(i);
            Counted mine;
            for (size_t page = i; seconds_since(begin) < seconds_of_a_run; ++page) {
                const std::span<const LineImage> lines = pages[page % pages.size()];
                const Clock::time_point page_begin = Clock::now();
                for (size_t at = 0; at < lines.size(); at += lines_at_once)
                    mine.lines_by_cpu += read(lines.subspan(at, std::min(lines_at_once, lines.size() - at)));
                mine.page_ms.push_back(1000 * seconds_since(page_begin));
                mine.lines += lines.size();
                ++mine.pages;
            }
            const std::lock_guard lock(mutex);
            all.pages += mine.pages;
            all.lines += mine.lines;
            all.lines_by_cpu += mine.lines_by_cpu;
            std::ranges::copy(mine.page_ms, std::back_inserter(all.page_ms));
        });
    for (std::thread& thread : threads) thread.join();
    all.seconds = seconds_since(begin);
    return all;
}

void print(const std::string& what, Counted counted, double busy_share) {
    std::printf("%-34s %9.0f %8.1f %8.1f %8.1f", what.c_str(), static_cast<double>(counted.lines) / counted.seconds,
                static_cast<double>(counted.pages) / counted.seconds, counted.percentile(.5), counted.percentile(.99));
    if (busy_share >= 0)
        std::printf(
            " %6.0f %% %6.1f %%", 100 * busy_share,
            100 * static_cast<double>(counted.lines_by_cpu) / static_cast<double>(std::max<size_t>(1, counted.lines)));
    std::printf("\n");
    std::fflush(stdout);
}

/// Follows the service's reports.
class Reports {
  public:
    explicit Reports(ServedCard& card) {
        ready_ = decode_card_ready(card.heard().body);
        thread_ = std::thread([this, &card] {
            try {
                for (;;) {
                    const Frame frame = card.heard();
                    if (static_cast<CardMessageType>(frame.type) != CardMessageType::report) continue;
                    const CardReport report = decode_card_report(frame.body);
                    const std::lock_guard lock(mutex_);
                    last_ = report;
                }
            } catch (const std::exception&) {
            }
        });
    }
    /// After the card has gone.
    void join() { thread_.join(); }
    CardReport last() {
        // One comes within a second of the last line.
        std::this_thread::sleep_for(std::chrono::milliseconds(1300));
        const std::lock_guard lock(mutex_);
        return last_;
    }
    const CardReady& ready() const { return ready_; }

  private:
    CardReady ready_;
    std::mutex mutex_;
    CardReport last_;
    std::thread thread_;
};

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// One engine reads documents until the time is up.
Counted read_by_engine(EngineProcess& engine, const std::vector<std::string>& documents, size_t first,
                       Clock::time_point begin) {
    const auto next = [&] {
        for (;;) {
            if (std::optional<EngineMessage> message = engine.receive()) return std::move(*message);
            if (engine.closed()) throw std::runtime_error("the engine " + engine.obituary());
            pollfd wait{engine.socket(), POLLIN, 0};
            ::poll(&wait, 1, -1);
        }
    };
    Counted mine;
    for (size_t i = first; seconds_since(begin) < seconds_of_a_run; ++i) {
        SealedDocument document;
        const std::string& bytes = documents[i % documents.size()];
        document.append(bytes.data(), bytes.size());
        const Clock::time_point page_begin = Clock::now();
        ReadRequest request;
        request.tier = Tier::fast;
        engine.set_cpu_limit(3600);
        engine.send_read(request, document.seal().get());
        for (bool done = false; !done;) {
            const EngineMessage message = next();
            if (const auto* failure = std::get_if<Failure>(&message)) throw std::runtime_error(failure->message);
            if (std::holds_alternative<Page>(message)) ++mine.pages;
            if (const auto* finished = std::get_if<Finished>(&message)) {
                mine.lines += finished->card_lines;
                done = true;
            }
        }
        mine.page_ms.push_back(1000 * seconds_since(page_begin));
    }
    return mine;
}

Counted measure_engines(const EngineSettings& settings, const std::vector<std::string>& documents, size_t engines,
                        const ServedCard* card) {
    std::vector<std::unique_ptr<EngineProcess>> all;
    for (size_t i = 0; i < engines; ++i) all.push_back(std::make_unique<EngineProcess>(settings));
    for (const auto& engine : all) {
        for (bool warm = false; !warm;) {
            pollfd wait{engine->socket(), POLLIN, 0};
            ::poll(&wait, 1, -1);
            warm = engine->receive().has_value();
            if (!warm && engine->closed()) throw std::runtime_error("the engine " + engine->obituary());
        }
        if (card != nullptr) engine->send_card({false}, card->connect().get());
    }
    Counted sum;
    std::mutex mutex;
    std::vector<std::thread> threads;
    const Clock::time_point begin = Clock::now();
    for (size_t i = 0; i < engines; ++i)
        threads.emplace_back([&, i] {
            const Counted mine = read_by_engine(*all[i], documents, i, begin);
            const std::lock_guard lock(mutex);
            sum.pages += mine.pages;
            sum.lines += mine.lines;
            std::ranges::copy(mine.page_ms, std::back_inserter(sum.page_ms));
        });
    for (std::thread& thread : threads) thread.join();
    sum.seconds = seconds_since(begin);
    return sum;
}

const CardTable& table_named(const std::string& name) {
    if (name == stand_in_card.name) return stand_in_card;
    void* library = ::dlopen(name.c_str(), RTLD_NOW);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    const auto table = reinterpret_cast<CardTableOf>(::dlsym(library, card_table_symbol));
    if (table == nullptr) throw std::runtime_error(name + " has no table of functions");
    return *table();
}

/// Multiplications of a step, and bytes of it that must pass through the card's memory at the least.
void print_floor(const recognise::Network& network, const SavedPages& pages) {
    size_t weights = 0;
    const std::function<void(const recognise::Layer&)> count = [&](const recognise::Layer& layer) {
        weights += layer.weights.integers.size() + layer.weights.reals.size();
        for (const recognise::Weights& gate : layer.gates) weights += gate.integers.size() + gate.reals.size();
        for (const recognise::Layer& inner : layer.inner) count(inner);
    };
    count(network.root);
    size_t steps = 0, lines = 0, pixels = 0;
    for (const auto& page : pages)
        for (const LineImage& line : page) {
            steps += line.width / network.x_scale;
            pixels += line.pixels.size();
            ++lines;
        }
    const auto pages_count = static_cast<double>(pages.size());
    std::printf(
        "A page has %.0f lines, %.0f steps and %.1f MB of pixels; its scores are %.1f MB. The network has %zu "
        "weights.\n\n",
        static_cast<double>(lines) / pages_count, static_cast<double>(steps) / pages_count,
        static_cast<double>(pixels) / pages_count / 1e6,
        static_cast<double>(steps) * network.classes * sizeof(float) / pages_count / 1e6, weights);
}

int run(int argc, char** argv) {
    const CardTable& table = table_named(argv[1]);
    const std::string models = argv[2];
    const SavedPages pages = saved_lines(argv[3]);
    const recognise::Network network =
        recognise::parse_network(recognise::ModelFile::read(models + "/eng.traineddata"));
    const NetworkOnCard on_card{"eng", network.fingerprint, network.x_scale, network.classes, network.null_code};
    const recognise::CompiledNetwork by_cpu(network);
    const size_t cores = std::max(1u, std::thread::hardware_concurrency());
    CardServiceSettings settings;
    settings.models = models;
    ServedCard card(table, settings, uint64_t{4} << 30);
    Reports reports(card);
    std::printf("%s, %.0f MB taken; beside it %zu CPU threads, %s\n", reports.ready().card.c_str(),
                static_cast<double>(reports.ready().memory) / 1e6, cores, recognise::best_backend().name);
    print_floor(network, pages);
    std::printf("%-34s %9s %8s %8s %8s %8s %8s\n", "", "lines/s", "pages/s", "p50 ms", "p99 ms", "busy", "by CPU");
    for (const size_t readers : {1, 4, 8, 16, 32}) {
        const CardReport before = reports.last();
        const Counted counted = measure(pages, readers, [&](size_t) -> ReadLines {
            auto link = std::make_shared<CardLink>();
            link->connect(card.connect(), false);
            return [&, link](std::span<const LineImage> lines) -> size_t {
                if (!link->forward(on_card, lines).empty()) return 0;
                const std::string trouble = link->take_trouble();
                if (!trouble.empty()) link->connect(card.connect(), false);
                (void)by_cpu.forward(lines);
                return lines.size();
            };
        });
        const CardReport after = reports.last();
        print("service, " + std::to_string(readers) + " at once", counted,
              static_cast<double>(after.busy_us - before.busy_us) / 1e6 / counted.seconds);
    }
    for (const size_t threads : {size_t{1}, cores})
        print("CPU's recogniser, " + std::to_string(threads) + " threads",
              measure(pages, threads,
                      [&](size_t) -> ReadLines {
                          return [&](std::span<const LineImage> lines) -> size_t {
                              (void)by_cpu.forward(lines);
                              return 0;
                          };
                      }),
              -1);
    if (argc > 5) {
        EngineSettings engine;
        engine.program = argv[4];
        engine.tessdata = models;
        engine.memory = uint64_t{4} << 30;
        std::vector<std::string> documents;
        for (int i = 5; i < argc; ++i) documents.push_back(contents(argv[i]));
        for (const size_t engines : {1, 4, 8, 16}) {
            print(std::to_string(engines) + " engines by the CPU", measure_engines(engine, documents, engines, nullptr),
                  -1);
            const CardReport before = reports.last();
            const Counted counted = measure_engines(engine, documents, engines, &card);
            const CardReport after = reports.last();
            print(std::to_string(engines) + " engines with the card", counted,
                  static_cast<double>(after.busy_us - before.busy_us) / 1e6 / counted.seconds);
        }
    }
    card.hang_up();
    reports.join();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: card_bench pg_ocr_cuda.so|stand-in MODELS LINES [ENGINE IMAGE...]\n", stderr);
        return 2;
    }
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "card_bench: %s\n", error.what());
        return 1;
    }
}
