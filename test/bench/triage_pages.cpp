// Reads pages whose truth is known, and prints of each how many of 100 words are right, the estimate and the mean of
// the words' confidences. test/bench/triage makes a table of them.
//
//   triage_pages TESSDATA LANGUAGE FILE...        FILE.gt.txt is the truth of FILE, a document of one page
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

#include "engine/read_document.h"
#include "unit/scoring.h"

namespace pg_ocr {
namespace {

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

struct OnlyPage : ReadEvents {
    uint32_t pages = 0;
    Page page;
    void opened(const DocumentInfo& info) override { pages = info.pages; }
    void page_started(uint32_t) override {}
    void page_done(const Page& done) override { page = done; }
};

std::optional<Page> page_of(const std::string& document, const ReadRequest& request, Recognisers& recognisers) {
    OnlyPage only;
    read_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request, recognisers, only);
    if (only.pages != 1 || only.page.status != PageStatus::read || only.page.words == 0) return std::nullopt;
    return only.page;
}

void measure(const std::string& path, const ReadRequest& request, Recognisers& recognisers) {
    const std::optional<Page> page = page_of(contents_of(path), request, recognisers);
    if (!page) {
        std::fprintf(stderr, "%s: not one page with words\n", path.c_str());
        return;
    }
    const Score score = score_of(contents_of(path + ".gt.txt"), page->text);
    const size_t words = std::max({score.bag_written, score.bag_read, size_t{1}});
    std::printf("%s\t%.2f\t%.2f\t%.2f\n", path.c_str(),
                100 * static_cast<double>(score.bag_found) / static_cast<double>(words),
                static_cast<double>(page->confidence), static_cast<double>(page->mean_confidence));
    std::fflush(stdout);
}

}  // namespace
}  // namespace pg_ocr

int main(int count, char** arguments) {
    using namespace pg_ocr;
    if (count < 4) {
        std::fprintf(stderr, "usage: triage_pages TESSDATA LANGUAGE FILE...\n");
        return 2;
    }
    Recognisers recognisers(arguments[1]);
    ReadRequest request;
    request.languages = arguments[2];
    request.text_layer = TextLayer::ignore;
    warm_up(recognisers, request.languages, Recogniser::own);
    for (int i = 3; i < count; ++i) try {
            measure(arguments[i], request, recognisers);
        } catch (const DocumentError& error) {
            std::fprintf(stderr, "%s: %s\n", arguments[i], error.failure.message.c_str());
        }
}
