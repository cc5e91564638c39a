// Documents on their way into a searchable PDF: PDFs through libqpdf, images through our own parsers.
#include <string>
#include <string_view>

#include "engine/pdf/compose.h"
#include "fuzz/reading.h"

using namespace pg_ocr;

namespace {

TextLayerWriter two_pages() {
    TextLayerWriter text;
    for (uint32_t page_no : {1u, 2u}) {
        Line line{{10, 10, 200, 40}, 90, {{"some", {10, 10, 90, 40}}, {"words", {100, 10, 200, 40}}}};
        text.add({{page_no, 300, 400, 72, 0, 1.5F}, {{{line.box, {line}}}, {}}});
    }
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    prepare_to_read();
    warm_up_compose();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const TextLayerWriter text = two_pages();
    ComposeRequest request;
    request.limits.page_pixels = 1000000;
    size_t written = 0;
    try {
        compose({data, size}, request, text, [&written](std::string_view piece) { written += piece.size(); });
    } catch (const DocumentError&) {
        return -1;
    }
    return written > 0 ? 0 : -1;
}
