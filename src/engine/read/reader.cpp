#include "engine/read/reader.h"

#include "engine/read/image.h"
#include "engine/read/pdf.h"

namespace pg_ocr {

std::unique_ptr<Reader> open_document(DocumentType type, Bytes bytes, const ReadRequest& request) {
    if (type == DocumentType::pdf) return open_pdf(bytes, request);
    return open_image(type, bytes, request);
}

void check_page_size(int64_t width, int64_t height, const ReadRequest& request) {
    if (width <= 0 || height <= 0)
        throw DocumentError(ErrorCode::page_damaged, "the page is " + std::to_string(width) + " x " +
                                                         std::to_string(height) +
                                                         " pixels; submit it again from an undamaged file");
    std::string size = "the page is " + std::to_string(width) + " x " + std::to_string(height) + " pixels; ";
    if (width > longest_side || height > longest_side)
        throw DocumentError(ErrorCode::page_too_large,
                            size + "a side may have at most " + std::to_string(longest_side));
    auto pixels = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
    if (request.limits.page_pixels != 0 && pixels > request.limits.page_pixels)
        throw DocumentError(ErrorCode::page_too_large, size + std::to_string(pixels) +
                                                           " in all, and pg_ocr.max_page_pixels is " +
                                                           std::to_string(request.limits.page_pixels));
}

}  // namespace pg_ocr
