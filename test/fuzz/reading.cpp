#include "fuzz/reading.h"

#include <tiffio.h>

#include <algorithm>
#include <new>

#include "engine/read/pdf.h"
#include "engine/write/layout_json.h"
#include "engine/write/page_text.h"
#include "fuzz/promise.h"

namespace pg_ocr {
namespace {

constexpr uint32_t first_pages = 2;
constexpr uint64_t most_pixels = 300000;
constexpr uint64_t most_stretched = 4;  // a fax's pixels are squared

void check(const PageImage& page) {
    PIX* pixels = page.pixels.get();
    promise(pixels != nullptr && (pixGetDepth(pixels) == 1 || pixGetDepth(pixels) == 8), "pages are 1 or 8 bits deep");
    promise(pixGetColormap(pixels) == nullptr, "pages have no colour map");
    auto width = static_cast<uint64_t>(pixGetWidth(pixels)), height = static_cast<uint64_t>(pixGetHeight(pixels));
    promise(width > 0 && height > 0, "pages have an area");
    promise(width * height <= most_stretched * (most_pixels + width + height), "pages are no larger than is allowed");
    promise(page.dpi > 0, "pages have a resolution");
    promise(page.rotation % 90 == 0 && page.rotation >= 0 && page.rotation < 360, "pages are turned by quarters");
}

void check(const PageText& page) {
    promise(page.width > 0 && page.height > 0 && page.dpi > 0, "pages have a size");
    promise(!page_text(page.layout).empty() && !layout_json(page.layout).empty(), "a text layer has text");
}

/// Not expected of a page, however damaged: a reader that throws anything else is a defect.
template <typename Read>
void failing_well(Read read) {
    try {
        read();
    } catch (const DocumentError& error) {
        promise(error.failure.code != ErrorCode::none && error.failure.message.size() >= 20, "a failure has a reason");
        promise(error.failure.code != ErrorCode::internal_error, "which is fitting");
    } catch (const std::bad_alloc&) {
    }
}

}  // namespace

void prepare_to_read() {
    warm_up_pdf();
    TIFFSetWarningHandler(nullptr);
    TIFFSetErrorHandler(nullptr);
}

void read_first_pages(DocumentType type, Bytes bytes) {
    ReadRequest request;
    request.limits.page_pixels = most_pixels;
    failing_well([&] {
        std::unique_ptr<Reader> reader = open_document(type, bytes, request);
        promise(reader->pages() > 0, "an open document has pages");
        for (uint32_t page_no = 1; page_no <= std::min(first_pages, reader->pages()); ++page_no) {
            failing_well([&] {
                if (std::optional<PageText> text = reader->text_of(page_no)) check(*text);
            });
            failing_well([&] { check(reader->image_of(page_no)); });
        }
    });
}

}  // namespace pg_ocr
