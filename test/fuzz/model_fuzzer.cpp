// A model: refused with a reason, or a line is read with it, and every backend gives the line the same scores.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "fuzz/promise.h"
#include "recognise/backend.h"
#include "recognise/language.h"
#include "recognise/line_reader.h"
#include "recognise/network.h"

using namespace pg_ocr::recognise;
using pg_ocr::promise;

namespace {

LineImage line_of(uint32_t width, uint32_t height) {
    std::minstd_rand random(width);
    LineImage line{width, height, {}};
    for (size_t i = size_t{width} * height; i > 0; --i)
        line.pixels.push_back(static_cast<uint8_t>(random() % 3 == 0 ? random() % 256 : 255));
    return line;
}

void check(const Scores& scores) {
    for (uint32_t step = 0; step < scores.steps; ++step) {
        const float* values = &scores.values[size_t{step} * scores.classes];
        double sum = 0;
        for (uint32_t i = 0; i < scores.classes; ++i) {
            promise(values[i] >= 0 && values[i] <= 1, "a score is a part of 1");
            sum += static_cast<double>(values[i]);
        }
        promise(std::abs(sum - 1) < 1e-2, "the scores of a step are 1 together");
    }
}

std::vector<Scores> scores_of(const Network& network, const std::vector<LineImage>& lines) {
    std::vector<Scores> expected;
    for (const Backend* backend : backends()) {
        if (!backend->runs_here()) continue;
        std::vector<Scores> scores = CompiledNetwork(network, *backend).forward(lines);
        for (const Scores& each : scores) check(each);
        if (expected.empty()) {
            expected = std::move(scores);
            continue;
        }
        for (size_t i = 0; network.integers && i < scores.size(); ++i)
            promise(scores[i].values == expected[i].values, "backends give the same scores");
    }
    return expected;
}

void read_lines(const Network& network, const Language& language) {
    constexpr uint32_t width = 36;
    const std::vector<LineImage> lines = {line_of(width, network.height), line_of(width / 4, network.height)};
    LineReader reader({&language});
    for (const Scores& scores : scores_of(network, lines)) {
        const pg_ocr::Box box{0, 0, width, static_cast<int32_t>(network.height)};
        LineLayout layout;
        layout.box = box;
        layout.blobs = {{2, 4, 12, 30}, {14, 4, 30, 30}};
        for (const LineWord& word : reader.read(layout, [&](size_t) {
                 return LineScores{scores, {box, static_cast<float>(network.x_scale)}};
             })) {
            promise(!word.characters.empty(), "a word has characters");
            promise(word.word.confidence >= 0 && word.word.confidence <= 100, "a confidence is one");
        }
    }
}

constexpr size_t table_entry = 8;

/// Where components begin and end; empty where it is no container.
std::vector<size_t> ends_of_components(const uint8_t* data, size_t size) {
    uint32_t entries = 0;
    if (size < sizeof entries) return {};
    std::memcpy(&entries, data, sizeof entries);
    const size_t table = sizeof entries + table_entry * entries;
    if (entries > 100 || table > size) return {};
    std::vector<size_t> ends = {size};
    for (uint32_t i = 0; i < entries; ++i) {
        int64_t offset = 0;
        std::memcpy(&offset, data + sizeof entries + table_entry * i, sizeof offset);
        if (offset >= static_cast<int64_t>(table) && offset < static_cast<int64_t>(size))
            ends.push_back(static_cast<size_t>(offset));
    }
    std::sort(ends.begin(), ends.end());
    return ends;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

/// Changes one component and moves those behind it, so that the others stay sound; now and then anything.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
    std::minstd_rand random(seed);
    const std::vector<size_t> ends = ends_of_components(data, size);
    if (ends.size() < 2 || random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
    const size_t which = random() % (ends.size() - 1);
    const size_t begin = ends[which], end = ends[which + 1];
    std::vector<uint8_t> changed(data + begin, data + end);
    changed.resize(end - begin + (max_size - size));
    changed.resize(LLVMFuzzerMutate(changed.data(), end - begin, changed.size()));
    std::memmove(data + begin + changed.size(), data + end, size - end);
    std::copy(changed.begin(), changed.end(), data + begin);
    const auto moved = static_cast<int64_t>(changed.size()) - static_cast<int64_t>(end - begin);
    for (size_t entry = sizeof(uint32_t); entry + table_entry <= ends.front(); entry += table_entry) {
        int64_t offset = 0;
        std::memcpy(&offset, data + entry, sizeof offset);
        if (offset < static_cast<int64_t>(end) || offset > static_cast<int64_t>(size)) continue;
        offset += moved;
        std::memcpy(data + entry, &offset, sizeof offset);
    }
    return size - (end - begin) + changed.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        const ModelFile file({data, data + size});
        const Network network = parse_network(file);
        read_lines(network, parse_language(file, network));
    } catch (const ModelError& error) {
        promise(*error.what() != '\0', "what is wrong is said");
    }
    return 0;
}
