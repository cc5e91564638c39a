#include "engine/layout/found_page.h"

#include <allheaders.h>
#include <tesseract/baseapi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
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
    Box box;                 ///< all of it
    std::optional<Box> ink;  ///< without the specks that lie above or below; nothing where all of it is specks
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

bool is_turned(const PageLine& along) { return !runs_across(along) || along.x2 < along.x1; }

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
        // Of nothing, the box is the page.
        if (const Box ink = box_of(at, tesseract::RIL_WORD); contains(word.box, ink)) word.ink = ink;
    });
    return lines;
}

/// What the layout took for noise, or for the dots of letters, is not told: it is the ink of a unit that is no blob's.
class RestOfInk {
  public:
    RestOfInk(PIX* page, const Box& unit)
        : unit_(unit), left_(std::max(unit.left - 1, 0)), top_(std::max(unit.top - 1, 0)) {
        // A pixel more on every side tells what reaches across the edge.
        BOX area{left_, top_, unit.right + 1 - left_, unit.bottom + 1 - top_, 1};
        rest_.reset(pixClipRectangle(page, &area, nullptr));
    }
    /// In a turned block a blob's box stands for its ink.
    void take_blob(const PageIterator& at, const Box& blob, bool is_turned) {
        if (!rest_) return;
        const int32_t x = blob.left - left_, y = blob.top - top_;
        const int32_t width = blob.right - blob.left, height = blob.bottom - blob.top;
        const Pixels ink(is_turned ? nullptr : at.GetBinaryImage(tesseract::RIL_SYMBOL));
        if (ink && pixGetDepth(ink.get()) == 1)
            pixRasterop(rest_.get(), x, y, width, height, PIX_DST & PIX_NOT(PIX_SRC), ink.get(), 0, 0);
        else
            pixRasterop(rest_.get(), x, y, width, height, PIX_CLR, nullptr, 0, 0);
    }
    std::vector<Box> specks() const {
        constexpr int32_t diagonals_too = 8;
        std::vector<Box> specks;
        if (!rest_) return specks;
        const std::unique_ptr<BOXA, decltype([](BOXA* boxes) { boxaDestroy(&boxes); })> found(
            pixConnCompBB(rest_.get(), diagonals_too));
        for (int32_t i = 0; found && i < boxaGetCount(found.get()); ++i) {
            int32_t x = 0, y = 0, width = 0, height = 0;
            boxaGetBoxGeometry(found.get(), i, &x, &y, &width, &height);
            const Box box{left_ + x, top_ + y, left_ + x + width, top_ + y + height};
            if (contains(unit_, box)) specks.push_back(box);
        }
        return specks;
    }

  private:
    Box unit_;
    int32_t left_, top_;
    Pixels rest_;
};

/// On a clean page no word has any.
bool has_specks(const std::vector<std::vector<PartedWord>>& lines) {
    const auto is_specked = [](const PartedWord& word) { return !word.ink || !contains(*word.ink, word.box); };
    return std::ranges::any_of(lines, [&](const auto& words) { return std::ranges::any_of(words, is_specked); });
}

/// The ink of the page; null where it has no specks.
std::vector<FoundBlock> merged_lines(PageIterator& at, PIX* page) {
    std::vector<FoundBlock> blocks;
    std::optional<RestOfInk> rest;
    const auto end_unit = [&] {
        if (rest) blocks.back().lines.back().units.back().specks = rest->specks();
        rest.reset();
    };
    at.SetBoundingBoxComponents(true, true);
    visit_text(at, tesseract::RIL_SYMBOL, [&](bool block_begins, bool line_begins) {
        if (at.IsAtBeginningOf(tesseract::RIL_WORD)) end_unit();
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
            unit.box = box_of(at, tesseract::RIL_WORD);
            line.unit_baselines.push_back(baseline_of(at));
            if (page != nullptr) rest.emplace(page, unit.box);
        }
        if (at.Empty(tesseract::RIL_SYMBOL)) return;
        const Box& blob = line.units.back().blobs.emplace_back(box_of(at, tesseract::RIL_SYMBOL));
        if (rest) rest->take_blob(at, blob, is_turned(line.unit_baselines.back()));
        line.columns.push_back(may_be_letters(blob, line) ? columns_of(at) : std::vector<RowBlob::Column>{});
    });
    end_unit();
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
            if (word.ink) unit.ink = unit.ink ? union_of(*unit.ink, *word.ink) : *word.ink;
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
    const Pixels ink(has_specks(words) ? tesseract.GetThresholdedImage() : nullptr);
    std::vector<FoundBlock> blocks = merged_lines(*at, ink.get());
    auto words_of_line = words.begin();
    for (FoundBlock& block : blocks)
        for (FoundLine& line : block.lines)
            if (words_of_line != words.end()) part(line, *words_of_line++);
    return blocks;
}

}  // namespace pg_ocr
