#include "engine/layout/found_page.h"

#include <allheaders.h>
#include <tesseract/baseapi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "engine/read/pixels.h"
#include "recognise/words.h"

namespace pg_ocr {
namespace {

using recognise::union_of;
using tesseract::PageIterator;

/// AnalyseLayout() lets go of what the call before it made, without releasing it: an instance that ends does.
class EarlierResult : public tesseract::TessBaseAPI {
  public:
    static void release(tesseract::TessBaseAPI& of) {
        EarlierResult ending;
        std::swap(ending.page_res_, of.*(&EarlierResult::page_res_));
    }
};

/// A word of the layout.
struct PartedWord {
    Box box;  ///< all of it
    Box ink;  ///< without the specks that lie above or below
};

Box box_of(const PageIterator& at, tesseract::PageIteratorLevel level) {
    Box box;
    at.BoundingBoxInternal(level, &box.left, &box.top, &box.right, &box.bottom);
    return box;
}

bool contains(const Box& outer, const Box& box) {
    return box.left >= outer.left && box.right <= outer.right && box.top >= outer.top && box.bottom <= outer.bottom;
}

/// Of the unit: a whole line's ends are not known in every mode.
PageLine baseline_of(const PageIterator& at) {
    PageLine line;
    at.Baseline(tesseract::RIL_WORD, &line.x1, &line.y1, &line.x2, &line.y2);
    return line;
}

bool runs_across(const PageLine& along) { return std::abs(along.x2 - along.x1) >= std::abs(along.y2 - along.y1); }

/// True where a blob is so wide, along the line, that it may be letters that touch.
bool may_be_letters(const Box& blob, const FoundLine& line) {
    const int32_t width = runs_across(line.unit_baselines.back()) ? blob.right - blob.left : blob.bottom - blob.top;
    return static_cast<float>(width) >= line.x_height * 1.2f;
}

/// From 0, its top, downwards: where ink begins and ends in the columns of a blob.
std::vector<RowBlob::Column> columns_of(const PageIterator& at) {
    const Pixels blob(at.GetBinaryImage(tesseract::RIL_SYMBOL));
    if (!blob || pixGetDepth(blob.get()) != 1) return {};
    const int32_t width = pixGetWidth(blob.get()), height = pixGetHeight(blob.get());
    std::vector<RowBlob::Column> columns(static_cast<size_t>(width), {0, -height});
    for (int32_t y = 0; y < height; ++y) {
        l_uint32* row = pixGetData(blob.get()) + static_cast<ptrdiff_t>(y) * pixGetWpl(blob.get());
        for (int32_t x = 0; x < width; ++x) {
            if (!GET_DATA_BIT(row, x)) continue;
            RowBlob::Column& column = columns[static_cast<size_t>(x)];
            column.bottom = -y - 1;
            column.top = std::max(column.top, -y);
        }
    }
    return columns;
}

/// Walks from symbol to symbol or from word to word, and tells where blocks and lines of text begin. One in which
/// nothing stands has no beginning.
template <typename Visit>
void visit_text(PageIterator& at, tesseract::PageIteratorLevel level, Visit visit) {
    bool block_begins = true;
    do {
        block_begins |= at.IsAtBeginningOf(tesseract::RIL_BLOCK);
        if (at.Empty(tesseract::RIL_WORD) || !tesseract::PTIsTextType(at.BlockType())) continue;
        visit(block_begins, block_begins || at.IsAtBeginningOf(tesseract::RIL_TEXTLINE));
        block_begins = false;
    } while (at.Next(level));
}

/// The words of each line of text on the page.
std::vector<std::vector<PartedWord>> parted_words(PageIterator& at) {
    std::vector<std::vector<PartedWord>> lines;
    visit_text(at, tesseract::RIL_WORD, [&](bool, bool line_begins) {
        if (line_begins) lines.emplace_back();
        PartedWord& word = lines.back().emplace_back();
        at.SetBoundingBoxComponents(true, true);
        word.box = box_of(at, tesseract::RIL_WORD);
        at.SetBoundingBoxComponents(false, false);
        word.ink = box_of(at, tesseract::RIL_WORD);
    });
    return lines;
}

std::vector<FoundBlock> merged_lines(PageIterator& at) {
    std::vector<FoundBlock> blocks;
    at.SetBoundingBoxComponents(true, true);
    visit_text(at, tesseract::RIL_SYMBOL, [&](bool block_begins, bool line_begins) {
        if (block_begins) blocks.emplace_back();
        std::vector<FoundLine>& lines = blocks.back().lines;
        if (line_begins) {
            FoundLine& line = lines.emplace_back();
            at.RowAttributes(&line.height, &line.descenders, &line.ascenders);
            line.x_height = line.height - line.ascenders + line.descenders;
        }
        FoundLine& line = lines.back();
        if (at.IsAtBeginningOf(tesseract::RIL_WORD)) {
            LineUnit& unit = line.units.emplace_back();
            unit.box = unit.ink = box_of(at, tesseract::RIL_WORD);
            line.unit_baselines.push_back(baseline_of(at));
        }
        if (at.Empty(tesseract::RIL_SYMBOL)) return;
        const Box& blob = line.units.back().blobs.emplace_back(box_of(at, tesseract::RIL_SYMBOL));
        line.columns.push_back(may_be_letters(blob, line) ? columns_of(at) : std::vector<RowBlob::Column>{});
    });
    return blocks;
}

/// A word by itself is not parted. The last one of a line is, into one: Tesseract sees the line's first word behind it
/// and finds it near enough, unless the two together are too high for a line.
bool seems_parted(const FoundLine& line, const Box& first_word) {
    constexpr float most = 1.25f;  // of the line's height
    const bool across = runs_across(line.unit_baselines.back());
    const auto fits = [&](const Box& box) {
        return static_cast<float>(across ? box.bottom - box.top : box.right - box.left) <= line.height * most;
    };
    const Box& last = line.units.back().box;
    return fits(last) && fits(first_word) && fits(union_of(last, first_word));
}

void part(FoundLine& line, const std::vector<PartedWord>& words) {
    for (LineUnit& unit : line.units) {
        for (const PartedWord& word : words) {
            if (!contains(unit.box, word.box)) continue;
            unit.ink = unit.words.empty() ? word.ink : union_of(unit.ink, word.ink);
            unit.words.push_back(word.box);
        }
        const bool is_last = &unit == &line.units.back();
        if (unit.words.size() == 1 && !(is_last && seems_parted(line, words.front().box))) unit.words.clear();
    }
}

}  // namespace

std::vector<FoundBlock> found_blocks(tesseract::TessBaseAPI& tesseract) {
    std::vector<std::vector<PartedWord>> words;
    if (const std::unique_ptr<PageIterator> at(tesseract.AnalyseLayout(false)); at) words = parted_words(*at);
    EarlierResult::release(tesseract);
    // The page is not looked at again: only its words are put together.
    const std::unique_ptr<PageIterator> at(tesseract.AnalyseLayout(true));
    if (!at) return {};
    std::vector<FoundBlock> blocks = merged_lines(*at);
    auto words_of_line = words.begin();
    for (FoundBlock& block : blocks)
        for (FoundLine& line : block.lines)
            if (words_of_line != words.end()) part(line, *words_of_line++);
    return blocks;
}

}  // namespace pg_ocr
