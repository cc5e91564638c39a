// Reads pages whose truth is known, and prints of each how many of 100 words are right, the estimate and the mean of
// the words' confidences. test/bench/triage makes a table of them.
//
//   triage_pages TESSDATA LANGUAGE FILE...        FILE.gt.txt is the truth of FILE, a document of one page
#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "engine/read_document.h"
#include "unit/reading.h"
#include "unit/scoring.h"

namespace pg_ocr {
namespace {

std::optional<Page> page_of(const std::string& document, const ReadRequest& request, Recognisers& recognisers) {
    Reading reading;
    read_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request, recognisers, reading);
    if (reading.pages.size() != 1 || reading.pages[0].status != PageStatus::read || reading.pages[0].words == 0)
        return std::nullopt;
    return reading.pages[0];
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
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s: %s\n", arguments[i], error.what());
        }
}
