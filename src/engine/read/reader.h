// An open document: its pages as pixels, or as the text that a PDF carries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "document/document.h"
#include "engine/read/bytes.h"
#include "engine/read/document_type.h"
#include "engine/read/pixels.h"

namespace pg_ocr {

/// A page's pixels as they are to be recognised.
struct PageImage {
    Pixels pixels;         ///< 1 bit (black is 1) or 8 bits (grey) deep, no colour map, upright
    int32_t dpi = 0;       ///< never 0
    int32_t rotation = 0;  ///< degrees clockwise by which the stored page was turned
    Pixels ink;            ///< the same in black and white; from when it is read on, if not before
};

/// A page's own text.
struct PageText {
    Layout layout;        ///< boxes in pixels of the page as it would be rendered
    float uncovered = 0;  ///< of what looks like text on the page, the share without a word: 0 to 1
    int32_t width = 0, height = 0;
    int32_t dpi = 0;
    int32_t rotation = 0;
};

/// The longest side, in pixels, that Tesseract can address.
inline constexpr int32_t longest_side = 32767;

class Reader {
  public:
    virtual ~Reader() = default;
    virtual uint32_t pages() const = 0;
    /// The page's text layer where it is sound, see text_layer.cpp; nothing where there is none. Pages count from 1.
    virtual std::optional<PageText> text_of(uint32_t page_no) = 0;
    /// Throws DocumentError page_damaged, page_too_large or engine_memory.
    virtual PageImage image_of(uint32_t page_no) = 0;
    /// The same in the pixels of its text, where it has one.
    virtual PageImage image_under_text(uint32_t page_no) { return image_of(page_no); }
};

/// The bytes must outlive the reader. Throws DocumentError when the document cannot be opened.
std::unique_ptr<Reader> open_document(DocumentType, Bytes, const ReadRequest&);

/// Throws DocumentError page_too_large, with the numbers, when a page of so many pixels is not to be read: it has more
/// than the request allows, or a side longer than Tesseract can address.
void check_page_size(int64_t width, int64_t height, const ReadRequest&);

}  // namespace pg_ocr
