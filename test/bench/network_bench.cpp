// The network alone, on the lines that stock tesseract read: stock's own time, and each backend's, a page's lines
// together. One thread, CPU time. test/bench/network calls it: network_bench MODEL RECORD…, a record per page.
#include "network_bench.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "recognise/backend.h"
#include "recognise/model_file.h"

using namespace pg_ocr::recognise;

namespace {

/// The reference is some hundred times slower than the kernels: this many lines of all tell enough.
constexpr size_t most_reference_lines = 10;
constexpr int rounds = 3;

struct PageLines {
    std::vector<LineImage> lines;
    std::vector<std::vector<float>> scores;
};

double stock_seconds = 0;

PageLines read_record(const char* path) {
    std::ifstream file(path, std::ios::binary);
    PageLines page;
    Record record;
    while (file.read(reinterpret_cast<char*>(&record), sizeof record)) {
        LineImage line{record.width, record.height, std::vector<uint8_t>(size_t{record.width} * record.height)};
        std::vector<float> scores(size_t{record.steps} * record.classes);
        file.read(reinterpret_cast<char*>(line.pixels.data()), static_cast<std::streamsize>(line.pixels.size()));
        file.read(reinterpret_cast<char*>(scores.data()), static_cast<std::streamsize>(sizeof(float) * scores.size()));
        if (!file) throw std::runtime_error(std::string(path) + " is cut off");
        stock_seconds += record.seconds;
        page.lines.push_back(std::move(line));
        page.scores.push_back(std::move(scores));
    }
    return page;
}

size_t steps_of(const std::vector<PageLines>& pages) {
    size_t steps = 0;
    for (const PageLines& page : pages)
        for (const LineImage& line : page.lines) steps += line.width / 3;
    return steps;
}

void measure(const Network& network, const Backend& backend, const std::vector<PageLines>& pages, double stock_step) {
    const CompiledNetwork compiled(network, backend);
    double best = std::numeric_limits<double>::max();
    size_t lines = 0;
    size_t equal = 0;
    for (int round = 0; round < rounds; ++round) {
        double seconds = 0;
        lines = equal = 0;
        for (const PageLines& page : pages) {
            const double start = cpu_seconds();
            const std::vector<Scores> scores = compiled.forward(page.lines);
            seconds += cpu_seconds() - start;
            for (size_t i = 0; i < scores.size(); ++i, ++lines)
                equal += scores[i].values.size() == page.scores[i].size() &&
                         std::memcmp(scores[i].values.data(), page.scores[i].data(),
                                     sizeof(float) * page.scores[i].size()) == 0;
        }
        best = std::min(best, seconds);
    }
    const double step = best / static_cast<double>(steps_of(pages));
    std::printf("%-12s %9.2f µs a step %8.1f times stock %8zu KB   %zu of %zu lines equal\n", backend.name, step * 1e6,
                stock_step / step, compiled.bytes() / 1024, equal, lines);
}

}  // namespace

int main(int count, char** arguments) try {
    if (count < 3) throw std::runtime_error("usage: network_bench MODEL RECORD...");
    const ModelFile file = ModelFile::read(arguments[1]);
    const Network network = parse_network(file);
    std::vector<PageLines> pages;
    for (int i = 2; i < count; ++i) pages.push_back(read_record(arguments[i]));
    PageLines few;
    size_t lines = 0;
    for (const PageLines& page : pages) {
        for (size_t i = 0; i < page.lines.size() && few.lines.size() < most_reference_lines; ++i) {
            few.lines.push_back(page.lines[i]);
            few.scores.push_back(page.scores[i]);
        }
        lines += page.lines.size();
    }
    const double stock_step = stock_seconds / static_cast<double>(steps_of(pages));
    std::printf("%zu pages, %zu lines, %zu steps\n", pages.size(), lines, steps_of(pages));
    std::printf("%-12s %9.2f µs a step %8.1f ms a page\n", "stock", stock_step * 1e6,
                stock_seconds * 1e3 / static_cast<double>(pages.size()));
    for (const Backend* backend : backends()) {
        if (!backend->runs_here())
            std::printf("%-12s not on this machine\n", backend->name);
        else if (backend == backends().front())
            measure(network, *backend, {few}, stock_step);
        else
            measure(network, *backend, pages, stock_step);
    }
} catch (const std::exception& error) {
    std::fprintf(stderr, "network_bench: %s\n", error.what());
    return 1;
}
