// Where a page's time goes, stage by stage: by Tesseract's recogniser, and by ours with each backend of this machine,
// where Tesseract finds the lines and where our own layout does.
// One thread, CPU time; of each page the fastest of three rounds, which take turns. test/bench/measure.py calls it:
// page_stages TESSDATA FILE…
#include <tesseract/baseapi.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "chosen_backend.h"
#include "engine/layout/own_layout.h"
#include "engine/layout/recognisers.h"
#include "engine/layout/tesseract_layout.h"
#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/write/layout_json.h"
#include "engine/write/page_text.h"
#include "stage_clock.h"

using namespace pg_ocr;

const recognise::Backend* chosen_backend = nullptr;

Stage StageClock::current_ = Stage::rest;
double StageClock::since_ = cpu_seconds();
StageSeconds StageClock::seconds_{};

void StageClock::enter(Stage stage) {
    const double now = cpu_seconds();
    seconds_[static_cast<size_t>(current_)] += now - since_;
    since_ = now;
    current_ = stage;
}
StageClock::In::In(Stage stage) : outer_(current_) { enter(stage); }
StageClock::In::~In() { enter(outer_); }
StageSeconds StageClock::taken() {
    enter(current_);
    const StageSeconds seconds = seconds_;
    seconds_ = {};
    return seconds;
}

namespace {

constexpr int rounds = 3;
constexpr const char* stage_names[] = {"rest", "decode", "threshold", "layout", "crop", "network", "search", "text"};
constexpr Stage stages[] = {Stage::decode,  Stage::threshold, Stage::layout, Stage::crop,
                            Stage::network, Stage::search,    Stage::text,   Stage::rest};
constexpr int32_t whole_page = tesseract::PSM_AUTO;

double sum_of(const StageSeconds& seconds) { return std::accumulate(seconds.begin(), seconds.end(), 0.0); }

/// A way to read, and what it took.
struct Way {
    std::string name;
    const recognise::Backend* backend;  ///< null: Tesseract's own recogniser
    std::unique_ptr<Recognisers> recognisers;
    LinesBy lines = LinesBy::tesseract;
    StageSeconds seconds{};

    Layout layout_of(PageImage& image) const {
        constexpr auto never = std::chrono::steady_clock::time_point::max();
        if (backend == nullptr) return recognise_page(recognisers->for_languages("eng"), image, whole_page, never);
        return read_page(recognisers->layout_for("eng", whole_page), recognisers->models().for_languages("eng"), image,
                         whole_page, never, lines);
    }
};

PageImage decoded(Reader& reader, uint32_t page) {
    const StageClock::In decode(Stage::decode);
    return reader.image_of(page);
}

size_t written(const Layout& layout) {
    const StageClock::In text(Stage::text);
    return page_text(layout).size() + layout_json(layout).size();
}

StageSeconds stages_of(const Way& way, const std::string& bytes, uint32_t page) {
    const ReadRequest request;
    const Bytes view(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    StageClock::taken();
    const std::unique_ptr<Reader> reader = open_document(document_type(view), view, request);
    PageImage image = decoded(*reader, page);
    if (written(way.layout_of(image)) == 0) throw std::runtime_error("a page without text tells nothing");
    return StageClock::taken();
}

uint32_t pages_of(const std::string& bytes) {
    const ReadRequest request;
    const Bytes view(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    return open_document(document_type(view), view, request)->pages();
}

/// Each loads its models here, as its backend is asked for then.
std::vector<Way> ways_of_this_machine(const std::string& tessdata) {
    std::vector<Way> ways;
    ways.push_back({"tesseract", nullptr, std::make_unique<Recognisers>(tessdata)});
    for (const recognise::Backend* backend : recognise::backends()) {
        if (!backend->runs_here() || backend == recognise::backends().front()) continue;
        chosen_backend = backend;
        for (const LinesBy lines : {LinesBy::tesseract, LinesBy::own}) {
            const bool is_own = lines == LinesBy::own;
            ways.push_back(
                {is_own ? "own lines" : backend->name, backend, std::make_unique<Recognisers>(tessdata), lines});
            ways.back().recognisers->layout_for("eng", whole_page);
        }
    }
    return ways;
}

void measure(std::vector<Way>& ways, const std::string& bytes, uint32_t page) {
    std::vector<StageSeconds> best(ways.size());
    for (int round = 0; round < rounds; ++round)
        for (size_t i = 0; i < ways.size(); ++i) {
            const StageSeconds seconds = stages_of(ways[i], bytes, page);
            if (round == 0 || sum_of(seconds) < sum_of(best[i])) best[i] = seconds;
        }
    for (size_t i = 0; i < ways.size(); ++i)
        for (size_t stage = 0; stage < best[i].size(); ++stage) ways[i].seconds[stage] += best[i][stage];
}

void print(const std::vector<Way>& ways, double pages) {
    std::printf("%-10s", "");
    for (const Way& way : ways) std::printf(" %12s ms %5s", way.name.c_str(), "share");
    std::printf("\n");
    for (const Stage stage : stages) {
        std::printf("%-10s", stage_names[static_cast<size_t>(stage)]);
        for (const Way& way : ways) {
            const double seconds = way.seconds[static_cast<size_t>(stage)];
            std::printf(" %15.0f %4.0f%%", 1e3 * seconds / pages, 100 * seconds / sum_of(way.seconds));
        }
        std::printf("\n");
    }
    std::printf("%-10s", "a page");
    for (const Way& way : ways)
        std::printf(" %15.0f %4.1f×", 1e3 * sum_of(way.seconds) / pages,
                    sum_of(ways.front().seconds) / sum_of(way.seconds));
    std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) try {
    if (count < 3) throw std::runtime_error("usage: page_stages TESSDATA FILE...");
    std::vector<Way> ways = ways_of_this_machine(arguments[1]);
    uint32_t pages = 0;
    for (int i = 2; i < count; ++i) {
        std::ifstream file(arguments[i], std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        const uint32_t of_file = pages_of(bytes);
        for (uint32_t page = 1; page <= of_file; ++page) measure(ways, bytes, page);
        pages += of_file;
    }
    print(ways, pages);
} catch (const std::exception& error) {
    std::fprintf(stderr, "page_stages: %s\n", error.what());
    return 1;
}
