// Reads documents in tier accurate and prints of each page, as one line of JSON, what tables it has and how long they
// took. test/bench/tables scores them.
//
//   table_pages TESSDATA LANGUAGE ocr|text_layer FILE...
#include <cstdio>
#include <exception>
#include <string>

#include "engine/read_document.h"
#include "unit/reading.h"

namespace pg_ocr {
namespace {

void print(const std::string& path, const Page& page) {
    const std::string layout = page.layout.empty() ? "{}" : page.layout;
    std::printf("{\"file\":\"%s\",\"page\":%u,\"width\":%d,\"height\":%d,\"dpi\":%d,\"ms\":%u,\"layout\":%s}\n",
                path.c_str(), page.page_no, page.width, page.height, page.dpi, page.elapsed_ms, layout.c_str());
    std::fflush(stdout);
}

}  // namespace
}  // namespace pg_ocr

int main(int count, char** arguments) {
    using namespace pg_ocr;
    if (count < 5) {
        std::fprintf(stderr, "usage: table_pages TESSDATA LANGUAGE ocr|text_layer FILE...\n");
        return 2;
    }
    Recognisers recognisers(arguments[1]);
    ReadRequest request;
    request.languages = arguments[2];
    request.tier = Tier::accurate;
    request.text_layer = std::string(arguments[3]) == "ocr" ? TextLayer::ignore : TextLayer::only;
    warm_up(recognisers, request.languages, Recogniser::own);
    for (int i = 4; i < count; ++i) try {
            const std::string document = contents_of(arguments[i]);
            Reading reading;
            read_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request, recognisers,
                          reading);
            for (const Page& page : reading.pages) print(arguments[i], page);
        } catch (const DocumentError& error) {
            std::fprintf(stderr, "%s: %s\n", arguments[i], error.failure.message.c_str());
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s: %s\n", arguments[i], error.what());
        }
}
