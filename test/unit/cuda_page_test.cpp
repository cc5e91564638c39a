// What a card does to pages, run on the CPU: bit by bit what the engine does there.
#include "cuda_on_cpu.h"

#include <allheaders.h>
#include <gtest/gtest.h>

#include "cuda/page_lines.cuh"
#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/lines/text_page.h"
#include "reading.h"

namespace pg_ocr {
namespace {

constexpr auto on_cpu = [](auto kernel, dim3 grid, dim3 block, size_t shared_bytes, auto... arguments) {
    cuda_on_cpu::launch(kernel, grid, block, shared_bytes, arguments...);
};

Pixels page_of(const std::string& name) {
    const std::string document = contents_of(data_path(name));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    return open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1).pixels;
}

CardPage as_card_page(PIX* page) {
    return {pixGetData(page), static_cast<uint32_t>(pixGetWpl(page)), static_cast<uint32_t>(pixGetWidth(page)),
            static_cast<uint32_t>(pixGetHeight(page)), static_cast<uint32_t>(pixGetDepth(page))};
}

/// With rubbish behind a row's end: noise, print or slopes.
Pixels random_page(std::mt19937& random, int32_t width, int32_t height, int32_t depth) {
    Pixels page(pixCreate(width, height, depth));
    const auto words = static_cast<ptrdiff_t>(pixGetWpl(page.get())) * height;
    std::generate(pixGetData(page.get()), pixGetData(page.get()) + words,
                  [&] { return static_cast<uint32_t>(random()); });
    const auto kind = random() % 3;
    for (int32_t y = 0; kind > 0 && y < height; ++y)
        for (int32_t x = 0; x < width; ++x) {
            const uint32_t print = static_cast<uint32_t>(random() % 8 == 0 ? random() % 40 : 250 + random() % 6);
            const uint32_t grey = kind == 1 ? print : static_cast<uint32_t>(3 * x + y) % 256;
            pixSetPixel(page.get(), x, y, depth == 8 ? grey : grey < 128);
        }
    return page;
}

/// What became of lines: how many the card has cut, each of them as the CPU cuts it.
struct LinesCut {
    size_t by_card = 0, by_cpu = 0, empty = 0;
};

struct UnitOfPage {
    LineUnit unit;
    int32_t quarter_turns;
};

void expect_cut_alike(PIX* page, const std::vector<UnitOfPage>& units, uint32_t height, LinesCut& seen) {
    const CardPage card_page = as_card_page(page);
    std::vector<LineCut> cuts;
    std::vector<size_t> of_units;
    uint32_t tiles = 0, pixels = 0;
    for (size_t index = 0; index < units.size(); ++index) {
        const auto& [unit, quarter_turns] = units[index];
        LineCut cut = line_cut_of(card_page, {unit.crop, quarter_turns, unit.slope, height});
        if (cut.by == CutBy::cpu) ++seen.by_cpu;
        if (cut.by == CutBy::nobody) {
            ++seen.empty;
            EXPECT_TRUE(line_image_of(page, unit, quarter_turns, height).pixels.empty());
        }
        if (cut.by != CutBy::card) continue;
        cut.first_tile = tiles;
        cut.image = pixels;
        tiles += tiles_of(cut);
        pixels += cut.width * cut.height;
        cuts.push_back(cut);
        of_units.push_back(index);
    }
    std::vector<uint8_t> images(pixels);
    if (tiles > 0)
        on_cpu(cut_lines, tiles, line_threads, sizeof(LineTile), card_page, cuts.data(),
               static_cast<uint32_t>(cuts.size()), images.data());
    for (size_t i = 0; i < cuts.size(); ++i) {
        const auto& [unit, quarter_turns] = units[of_units[i]];
        const recognise::LineImage expected = line_image_of(page, unit, quarter_turns, height);
        ASSERT_EQ(cuts[i].width, expected.width);
        ASSERT_EQ(cuts[i].height, expected.height);
        const auto begin = images.begin() + cuts[i].image;
        ASSERT_TRUE(std::equal(expected.pixels.begin(), expected.pixels.end(), begin))
            << "turned " << quarter_turns << ", slope " << unit.slope << ", " << cuts[i].columns << " x "
            << cuts[i].rows << " pixels";
        ++seen.by_card;
    }
}

TEST(CudaPage, CutsAndScalesLinesAsTheCpuDoes) {
    std::mt19937 random(1);
    LinesCut seen;
    for (const int32_t depth : {8, 1})
        for (int page_no = 0; page_no < 6; ++page_no) {
            const Pixels page = random_page(random, 331 + page_no, 203, depth);
            std::vector<UnitOfPage> units;
            for (int i = 0; i < 40; ++i) {
                LineUnit unit;
                unit.crop.left = static_cast<int32_t>(random() % 250);
                unit.crop.right = i % 5 == 0 ? 331 : unit.crop.left + 1 + static_cast<int32_t>(random() % 81);
                unit.crop.top = static_cast<int32_t>(random() % 150);
                unit.crop.bottom = i % 7 == 0 ? 203 : unit.crop.top + 1 + static_cast<int32_t>(random() % 53);
                if (i % 3 == 0) unit.slope = static_cast<float>(static_cast<int32_t>(random() % 200) - 100) / 400;
                if (i == 20) unit.crop.left = -9;
                if (i == 22) unit.crop = {-20, 20, 300, 500};
                units.push_back({unit, i % 4});
            }
            ASSERT_NO_FATAL_FAILURE(expect_cut_alike(page.get(), units, page_no % 2 == 0 ? 36 : 48, seen));
        }
    EXPECT_GT(seen.by_card, 300u);
}

TEST(CudaPage, CutsLinesOfEveryHeight) {
    std::mt19937 random(2);
    const Pixels page = random_page(random, 200, 230, 8);
    std::vector<UnitOfPage> units;
    for (int32_t height = 1; height < 200; ++height) {
        LineUnit unit;
        unit.crop = {height % 7, height % 5, 190 - height % 11, height % 5 + height};
        const CutBy by = line_cut_of(as_card_page(page.get()), {unit.crop, 0, 0, 36}).by;
        const bool is_special = height <= 9 || height == 18 || height == 72 || height == 144 || height > 180;
        EXPECT_EQ(by, is_special ? CutBy::cpu : CutBy::card) << height;
        units.push_back({unit, 0});
    }
    LinesCut seen;
    expect_cut_alike(page.get(), units, 36, seen);
    EXPECT_EQ(line_cut_of(as_card_page(page.get()), {{0, 0, 1, 100}, 0, 0, 36}).by, CutBy::nobody);
    EXPECT_EQ(line_cut_of(as_card_page(page.get()), {{0, 0, 100, 100}, 0, 0, most_line_rows + 1}).by, CutBy::cpu);
}

std::vector<UnitOfPage> units_on(PIX* page) {
    std::vector<UnitOfPage> units;
    for (const TextBlock& block : text_page_of(black_on_white(page).get()).blocks)
        for (const LineOfUnits& line : block.lines)
            for (const LineUnit& unit : line.units) units.push_back({unit, block.quarter_turns});
    return units;
}

TEST(CudaPage, CutsTheLinesOfPages) {
    LinesCut seen;
    size_t leaning = 0;
    for (const char* name : {"phototest/phototest.tif", "linn/skew.pdf"}) {
        const Pixels page = page_of(name);
        const std::vector<UnitOfPage> units = units_on(page.get());
        leaning += static_cast<size_t>(
            std::count_if(units.begin(), units.end(), [](const UnitOfPage& each) { return each.unit.slope != 0; }));
        ASSERT_NO_FATAL_FAILURE(expect_cut_alike(page.get(), units, 36, seen)) << name;
    }
    EXPECT_GT(seen.by_card, 20u);
    EXPECT_GT(leaning, 10u);
}

}  // namespace
}  // namespace pg_ocr
