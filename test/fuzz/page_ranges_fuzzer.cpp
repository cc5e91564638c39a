// pages => '…', as any user may write it.
#include <stdexcept>
#include <string>

#include "document/document.h"
#include "fuzz/promise.h"

using namespace pg_ocr;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<PageRange> ranges;
    try {
        ranges = parse_page_ranges(text);
    } catch (const std::invalid_argument&) {
        return 0;
    }
    std::string again;
    for (const PageRange& range : ranges) {
        promise(range.first >= 1 && (range.last == 0 || range.last >= range.first),
                "a range runs forward, from page 1");
        again += (again.empty() ? "" : ",") + std::to_string(range.first) + "-" +
                 (range.last == 0 ? "" : std::to_string(range.last));
    }
    promise(parse_page_ranges(again) == ranges, "ranges say what they were written as");
    ReadRequest request;
    request.pages = ranges;
    for (uint32_t pages : {0u, 1u, 9u, 1000u}) {
        std::vector<uint32_t> selected = selected_pages(request, pages);
        promise(selected.size() <= pages, "no page is selected twice");
        for (uint32_t page : selected) {
            bool wanted = ranges.empty();
            for (const PageRange& range : ranges) wanted |= range.contains(page);
            promise(wanted, "what is selected was asked for");
        }
    }
    return 0;
}
