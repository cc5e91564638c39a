#include "engine/lines/text_page.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "engine/layout/turned.h"
#include "engine/lines/arrangement.h"
#include "engine/lines/gutters.h"
#include "engine/lines/legible.h"
#include "engine/lines/parts.h"
#include "engine/lines/rows.h"
#include "engine/lines/slope.h"
#include "engine/read/pixels.h"
#include "recognise/words.h"

namespace pg_ocr {
namespace {

/// In x-heights, what a crop shows above and below the baseline at least; and pixels around it.
constexpr float above_baseline = 1.45f, below_baseline = 0.45f;
constexpr int32_t padding = 4;

/// Makes what is cut out of the page for a piece: as high as its letters are, and as its row's letters might be.
class Cutting {
  public:
    Cutting(PIX* page, double slope) : width_(pixGetWidth(page)), height_(pixGetHeight(page)), slope_(slope) {}

    LineUnit unit_of(const RowPiece& piece, const RowOfPieces& row) const {
        LineUnit unit;
        unit.box = piece.letters.front().on_page;
        unit.slope = static_cast<float>(slope_);
        unit.has_whole_letters = true;
        float top = std::min(row.baseline - above_baseline * row.x_height, row.baseline - row.ascent);
        float bottom = row.baseline + below_baseline * row.x_height;
        for (const Letter& letter : piece.letters) {
            unit.blobs.push_back(letter.on_page);
            unit.box = recognise::union_of(unit.box, letter.on_page);
            // What reaches far beyond the row touches another one.
            const auto letter_top = static_cast<float>(letter.box.top);
            const auto letter_bottom = static_cast<float>(letter.box.bottom);
            if (letter_top > row.baseline - 2.6f * row.x_height) top = std::min(top, letter_top);
            if (letter_bottom < row.baseline + 1.2f * row.x_height) bottom = std::max(bottom, letter_bottom);
        }
        const Box crop = on_page({piece.box.left - padding, static_cast<int32_t>(std::floor(top)) - padding,
                                  piece.box.right + padding, static_cast<int32_t>(std::ceil(bottom)) + padding});
        unit.crop = {std::max(crop.left, 0), std::max(crop.top, 0), std::min(crop.right, width_),
                     std::min(crop.bottom, height_)};
        return unit;
    }

  private:
    /// Of a box on the page made level: where its middle comes from.
    Box on_page(const Box& box) const {
        const double x = (box.left + box.right) / 2.0, y = (box.top + box.bottom) / 2.0, turned = 1 + slope_ * slope_;
        const auto right = static_cast<int32_t>(std::lround((x - slope_ * y) / turned - x));
        const auto down = static_cast<int32_t>(std::lround((y + slope_ * x) / turned - y));
        return {box.left + right, box.top + down, box.right + right, box.bottom + down};
    }
    int32_t width_, height_;
    double slope_;
};

/// Of letters on the line, where most of their bottoms are.
float bottom_of(std::span<const Letter> letters) {
    std::vector<int32_t> bottoms;
    for (const Letter& letter : letters) bottoms.push_back(letter.box.bottom);
    const auto middle = bottoms.begin() + static_cast<ptrdiff_t>(bottoms.size() / 2);
    std::ranges::nth_element(bottoms, middle);
    return static_cast<float>(*middle);
}

/// True where the middles of many long rows lie off the line from end to end, to the same side.
bool do_bend(const std::vector<RowPiece>& pieces) {
    constexpr size_t long_row = 36, fewest_rows = 4;
    constexpr float bent = 0.2f;  // in x-heights
    size_t rows = 0, up = 0, down = 0;
    for (const RowPiece& piece : pieces) {
        const size_t count = piece.letters.size(), third = count / 3;
        if (count < long_row) continue;
        const std::span<const Letter> letters(piece.letters);
        const float ends = (bottom_of(letters.first(third)) + bottom_of(letters.last(third))) / 2;
        const float bend = (bottom_of(letters.subspan(third, third)) - ends) / piece.x_height;
        ++rows;
        up += bend < -bent ? 1 : 0;
        down += bend > bent ? 1 : 0;
    }
    const size_t many = std::max(up, down);
    return many >= fewest_rows && 4 * many > rows;
}

struct FoundText {
    PageParts parts;
    Ruling ruling;
    double slope = 0;
    std::vector<Box> pictures;
    Legible text;
    bool bends = false;
};

FoundText found_text(PageParts&& parts) {
    FoundText found{std::move(parts), {}, 0, {}, {}, false};
    found.slope = slope_of(found.parts.letters, found.parts.size);
    for (const Box& rule : found.parts.rules) found.ruling.rules.push_back(levelled(rule, found.slope));
    for (const Box& partition : found.parts.partitions)
        found.ruling.partitions.push_back(levelled(partition, found.slope));
    const std::vector<Letter> pictures = levelled(found.parts.pictures, found.slope);
    for (const Letter& picture : pictures) found.pictures.push_back(picture.box);
    std::vector<RowPiece> pieces = pieces_of(levelled(found.parts.letters, found.slope));
    found.bends = do_bend(pieces);
    found.text = legible(std::move(pieces), pictures);
    return found;
}

/// What a page of plain text does not show.
std::string doubt_of(const FoundText& found) {
    constexpr float most_dropped = 0.4f;
    if (found.bends) return "the lines of the page bend";
    const auto dropped = static_cast<float>(found.text.dropped), letters = static_cast<float>(found.text.letters);
    if (dropped > most_dropped * (dropped + letters)) return "much of the page looks like no text";
    return {};
}

std::vector<TextBlock> blocks_of(FoundText&& found, PIX* ink) {
    std::vector<RowPiece> pieces = parted_at_gutters(found.text.pieces, found.ruling.partitions);
    const Cutting cutting(ink, found.slope);
    std::vector<TextBlock> blocks;
    for (const BlockOfRows& rows : arranged(std::move(pieces), found.ruling, found.pictures)) {
        TextBlock block;
        for (const RowOfPieces& row : rows.rows) {
            LineOfUnits line;
            for (const RowPiece& piece : row.pieces) {
                LineUnit unit = cutting.unit_of(piece, row);
                if (unit.crop.left < unit.crop.right && unit.crop.top < unit.crop.bottom)
                    line.units.push_back(std::move(unit));
            }
            if (!line.units.empty()) block.lines.push_back(std::move(line));
        }
        if (!block.lines.empty()) blocks.push_back(std::move(block));
    }
    return blocks;
}

void put_back(std::vector<TextBlock>& blocks, const Turned& turned, int32_t quarter_turns) {
    for (TextBlock& block : blocks) {
        block.quarter_turns = quarter_turns;
        for (LineOfUnits& line : block.lines)
            for (LineUnit& unit : line.units) {
                unit.box = turned.on_page(unit.box);
                unit.crop = turned.on_page(unit.crop);
                for (Box& blob : unit.blobs) blob = turned.on_page(blob);
            }
    }
}

}  // namespace

TextPage text_page_of(PIX* ink, int32_t quarter_turns) {
    constexpr float most_across = 0.7f, few_across = 0.3f;
    const Pixels turned(quarter_turns == 0 ? pixClone(ink) : pixRotateOrth(ink, quarter_turns));
    if (!turned) throw std::bad_alloc();
    TextPage page;
    PageParts parts = parts_of(turned.get());
    if (parts.letters.empty()) return page;
    // A page of text has ten thousand; what takes time grows faster than they do.
    constexpr size_t most_letters = 60'000;
    if (parts.letters.size() > most_letters) {
        page.doubt = "the page has more small parts than text has";
        return page;
    }
    const float across = share_across(parts.letters, parts.size);
    page.runs_down = across < few_across;
    if (page.runs_down) return page;
    FoundText found = found_text(std::move(parts));
    page.doubt = across < most_across ? "lines run across the page and down it" : doubt_of(found);
    page.blocks = blocks_of(std::move(found), turned.get());
    if (quarter_turns != 0)
        put_back(page.blocks, Turned(pixGetWidth(ink), pixGetHeight(ink), quarter_turns), quarter_turns);
    return page;
}

}  // namespace pg_ocr
