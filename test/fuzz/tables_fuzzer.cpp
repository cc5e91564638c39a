// Any words on a page of any lines, until they are tables.
#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "engine/read/pixels.h"
#include "engine/tables/grid.h"
#include "engine/tables/tables.h"
#include "fuzz/promise.h"

using namespace pg_ocr;

namespace {

/// Takes from the front of the input; gives zeros once it is spent.
class Input {
  public:
    Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}
    bool empty() const { return left_ == 0; }
    uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }
    /// On the page most often; else anywhere.
    int32_t place() {
        const uint8_t how = byte();
        if (how < 0xf8) return 2 * how;
        int32_t value = 0;
        for (int i = 0; i < 4; ++i) value = static_cast<int32_t>(static_cast<uint32_t>(value) << 8 | byte());
        // As layouts have them, which an engine of ours made: sums of two fit.
        return value / 4;
    }
    std::string text() {
        constexpr const char* usual[] = {"7", "12.50", "total", "a", "1.", "Name:", "-", "\xe2\x80\xa2"};
        const uint8_t how = byte();
        if (how < 0xf0) return usual[how % 8];
        std::string value;
        for (int i = how % 8; i > 0; --i) value += static_cast<char>(byte());
        return value;
    }
    pg_ocr::Box box() {
        const int32_t left = place(), top = place();
        return {left, top, left + byte() - 16, top + byte() / 4 - 2};
    }

  private:
    const uint8_t* data_;
    size_t left_;
};

void draw(PIX* page, Input& input) {
    const int32_t x = 2 * input.byte(), y = 2 * input.byte(), width = 2 * input.byte(), height = input.byte() % 8;
    const bool is_black = pixGetDepth(page) == 1 || input.byte() % 2 == 0;
    const int32_t operation = pixGetDepth(page) == 1 ? PIX_SET : is_black ? PIX_CLR : PIX_NOT(PIX_DST);
    if (input.byte() % 2 == 0)
        pixRasterop(page, x, y, width, height, operation, nullptr, 0, 0);
    else
        pixRasterop(page, x, y, height, width, operation, nullptr, 0, 0);
}

void check(const Table& table, PIX* page) {
    promise(table.rows >= 1 && table.columns >= 1 && table.rows <= 2 * most_rows && table.columns <= most_columns,
            "a table has rows and columns, and not too many");
    const auto columns = static_cast<size_t>(table.columns);
    std::vector<bool> taken(static_cast<size_t>(table.rows) * columns);
    for (const Cell& cell : table.cells) {
        promise(cell.row >= 1 && cell.column >= 1 && cell.row_span >= 1 && cell.column_span >= 1 &&
                    cell.row + cell.row_span <= table.rows + 1 && cell.column + cell.column_span <= table.columns + 1,
                "a cell lies in its table");
        promise(cell.box.left >= 0 && cell.box.top >= 0 && cell.box.left <= cell.box.right &&
                    cell.box.top <= cell.box.bottom && cell.box.right <= pixGetWidth(page) &&
                    cell.box.bottom <= pixGetHeight(page),
                "a cell lies on the page");
        for (int32_t row = cell.row - 1; row < cell.row - 1 + cell.row_span; ++row)
            for (int32_t column = cell.column - 1; column < cell.column - 1 + cell.column_span; ++column) {
                const size_t place = static_cast<size_t>(row) * columns + static_cast<size_t>(column);
                promise(!taken[place], "a place of a table belongs to one cell");
                taken[place] = true;
            }
    }
    promise(std::find(taken.begin(), taken.end(), false) == taken.end(), "each place of a table belongs to a cell");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const int32_t width = 1 + 2 * input.byte(), height = 1 + 2 * input.byte(), depth = input.byte() % 2 == 0 ? 1 : 8;
    const int32_t dpi = input.byte() < 0xc0 ? 72 : 70 + 10 * input.byte();
    Pixels page(pixCreate(width, height, depth));
    if (!page) throw std::bad_alloc();
    if (depth == 8) pixSetAllArbitrary(page.get(), 255);
    Layout layout;
    while (!input.empty()) {
        switch (input.byte() % 8) {
            case 0:
                layout.blocks.emplace_back();
                break;
            case 1:
            case 2:
            case 3:
                draw(page.get(), input);
                break;
            default: {
                if (layout.blocks.empty()) layout.blocks.emplace_back();
                Line line;
                for (int words = 1 + input.byte() % 4; words > 0; --words)
                    line.words.push_back({input.text(), input.box(), static_cast<float>(input.byte() % 101), false});
                line.box = line.words.front().box;
                layout.blocks.back().lines.push_back(std::move(line));
            }
        }
    }
    for (const Table& table : tables_of(layout, page.get(), dpi)) check(table, page.get());
    return 0;
}
