#include "engine/layout/tesseract_layout.h"

#include <tesseract/baseapi.h>
#include <tesseract/ocrclass.h>
#include <tesseract/resultiterator.h>

#include <algorithm>
#include <memory>

#include "engine/layout/ink.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

[[noreturn]] void throw_out_of_memory() {
    throw DocumentError(ErrorCode::engine_memory,
                        "the page could not be recognised within the engine's memory; raise pg_ocr.engine_memory or "
                        "ask for fewer pixels with options => '{\"dpi\": 150}'");
}

Box box_of(const tesseract::ResultIterator& at, tesseract::PageIteratorLevel level) {
    Box box;
    at.BoundingBox(level, &box.left, &box.top, &box.right, &box.bottom);
    return box;
}

}  // namespace

Layout recognise_page(tesseract::TessBaseAPI& tesseract, PageImage& image, int32_t page_segmentation_mode,
                      std::chrono::steady_clock::time_point until) {
    if (std::chrono::steady_clock::now() >= until) throw TimeIsUp();
    const bool has_ink = static_cast<bool>(image.ink);
    if (!has_ink) image.ink = black_on_white(image.pixels.get());
    PageImage shown{Pixels(pixClone(has_ink ? image.ink.get() : image.pixels.get())), image.dpi, 0, {}};
    PageInTesseract page(tesseract, shown, page_segmentation_mode);
    tesseract::ETEXT_DESC monitor;
    monitor.end_time = std::chrono::time_point_cast<std::chrono::milliseconds>(until);
    const int failed = tesseract.Recognize(&monitor);
    if (std::chrono::steady_clock::now() >= until) throw TimeIsUp();
    if (failed != 0) throw_out_of_memory();
    std::unique_ptr<tesseract::ResultIterator> at(tesseract.GetIterator());
    Layout layout;
    if (!at) return layout;
    bool block_begins = true, line_begins = true;
    do {
        // A word may hold no text, as one in a picture: what begins with it is begun by the next that does.
        block_begins |= at->IsAtBeginningOf(tesseract::RIL_BLOCK);
        line_begins |= at->IsAtBeginningOf(tesseract::RIL_TEXTLINE);
        if (at->Empty(tesseract::RIL_WORD)) continue;
        std::unique_ptr<const char[]> text(at->GetUTF8Text(tesseract::RIL_WORD));
        if (!text) throw_out_of_memory();
        Word word{valid_utf8(trimmed(text.get())), box_of(*at, tesseract::RIL_WORD),
                  std::clamp(at->Confidence(tesseract::RIL_WORD), 0.0f, 100.0f), at->WordIsFromDictionary()};
        if (word.text.empty()) continue;
        if (block_begins || layout.blocks.empty()) layout.blocks.push_back({box_of(*at, tesseract::RIL_BLOCK), {}});
        Block& block = layout.blocks.back();
        if (line_begins || block.lines.empty()) block.lines.push_back({box_of(*at, tesseract::RIL_TEXTLINE), 0, {}});
        block.lines.back().words.push_back(std::move(word));
        block_begins = line_begins = false;
    } while (at->Next(tesseract::RIL_WORD));
    for (Block& block : layout.blocks)
        for (Line& line : block.lines) line.confidence = confidence_of(line.words);
    return layout;
}

}  // namespace pg_ocr
