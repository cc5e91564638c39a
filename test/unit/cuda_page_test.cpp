// What a card does to pages, run on the CPU: bit by bit what the engine does there.
#include "cuda_on_cpu.h"

#include <allheaders.h>
#include <gtest/gtest.h>

// Between what a thread has seen and its atomicMin() others go on, as they may on a card: it waits for none but itself.
template <class Value>
Value late_minimum(Value* to, Value with) {
    __syncwarp(1u << cuda_on_cpu::Processor::of_this_thread().lane());
    return atomicMin(to, with);
}
#define atomicMin late_minimum
#include "cuda/page_components.cuh"
#undef atomicMin

#include "cuda/page_ink.cuh"
#include "cuda/page_lines.cuh"
#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/lines/components.h"
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

/// A page in grey with rows as long as a card has them, and room for its ink.
struct PageInMemory {
    explicit PageInMemory(PIX* pix) : page(as_card_page(pix)) {
        const uint32_t words_in_row = (page.words_in_row + card_row_words - 1) / card_row_words * card_row_words;
        memory.resize(size_t{words_in_row} * page.height / 4, {0x01020304, 0x7f7f7f7f, 0xdeadbeef, 0xfefefefe});
        auto* words = reinterpret_cast<uint32_t*>(memory.data());
        for (uint32_t y = 0; y < page.height; ++y)
            std::copy_n(page.words + size_t{y} * page.words_in_row, page.words_in_row,
                        words + size_t{y} * words_in_row);
        page.words = words;
        page.words_in_row = words_in_row;
        ink.resize(size_t{(page.width + 31) / 32} * page.height);
        is_black.resize(size_t{page.width / tile_side} * (page.height / tile_side));
    }
    void find_ink() { launch_ink(on_cpu, page, {ink.data(), (page.width + 31) / 32, &found, is_black.data()}, 3); }
    CardPage page;
    std::vector<uint4> memory;
    std::vector<uint32_t> ink;
    std::vector<uint8_t> is_black;
    FoundInk found;
};

/// The very words, with what lies behind a row's end.
std::vector<uint32_t> words_of(PIX* ink) {
    return {pixGetData(ink), pixGetData(ink) + static_cast<ptrdiff_t>(pixGetWpl(ink)) * pixGetHeight(ink)};
}

bool is_all_ink(PIX* ink, int32_t tile_x, int32_t tile_y) {
    l_int32 count = 0;
    BOX tile{tile_x * 32, tile_y * 32, 32, 32, 1};
    pixCountPixelsInRect(ink, &tile, &count, nullptr);
    return count >= 993;
}

/// The black tiles that there are.
uint32_t expect_the_ink_of(PIX* page, const std::string& what) {
    PageInMemory seen(page);
    seen.find_ink();
    const Pixels expected = ink_of(page);
    EXPECT_TRUE(seen.ink == words_of(expected.get())) << what;
    uint32_t black = 0;
    for (size_t i = 0; i < seen.is_black.size(); ++i) {
        const auto across = static_cast<int32_t>(seen.page.width / tile_side), tile = static_cast<int32_t>(i);
        EXPECT_EQ(seen.is_black[i] != 0,
                  seen.found.ink_is_dark != 0 && is_all_ink(expected.get(), tile % across, tile / across))
            << what;
        black += seen.is_black[i];
    }
    EXPECT_EQ(seen.found.black_tiles, black) << what;
    constexpr uint32_t fewest_of_a_ground = 6;
    if (black < fewest_of_a_ground) {
        EXPECT_TRUE(seen.ink == words_of(black_on_white(page).get())) << what;
    }
    return black;
}

TEST(CudaPage, FindsTheInkThatTheCpuFinds) {
    std::mt19937 random(3);
    for (int32_t width = 1; width < 300; width += width < 70 ? 1 : 37) {
        const auto height = static_cast<int32_t>(1 + random() % 80);
        expect_the_ink_of(random_page(random, width, height, 8).get(), std::to_string(width));
    }
    for (const uint32_t grey : {0u, 1u, 128u, 254u, 255u}) {
        const Pixels page(pixCreate(140, 90, 8));
        pixSetAllArbitrary(page.get(), grey);
        expect_the_ink_of(page.get(), "all of " + std::to_string(grey));
    }
    for (int32_t dark = 0; dark <= 6; ++dark) {  // columns; from 3 on the bright ones are the ink
        const Pixels page(pixCreate(36, 70, 8));
        for (int32_t y = 0; y < 70; ++y)
            for (int32_t x = 0; x < 36; ++x)
                pixSetPixel(page.get(), x, y, x % 6 < dark ? 100 : dark < 5 ? 150 : 100 + static_cast<uint32_t>(x) % 3);
        expect_the_ink_of(page.get(), std::to_string(dark) + " dark columns of 6");
    }
}

TEST(CudaPage, TellsTilesThatAreAllInk) {
    const Pixels page(pixCreate(300, 200, 8));
    pixSetAllArbitrary(page.get(), 250);
    for (int32_t y = 40; y < 140; ++y)
        for (int32_t x = 70; x < 200; ++x) pixSetPixel(page.get(), x, y, 30);
    // As many white pixels as a black tile may have, and one more.
    for (int32_t i = 0; i < 31; ++i) pixSetPixel(page.get(), 96 + i, 70, 250);
    for (int32_t i = 0; i < 32; ++i) pixSetPixel(page.get(), 128 + i, 70, 250);
    EXPECT_EQ(expect_the_ink_of(page.get(), "a black ground"), 5u);
}

TEST(CudaPage, FindsTheInkOfPages) {
    for (const char* name : {"pypdf-samples/habibi-rotated.pdf", "tulu/B01_P35.png"}) {
        const Pixels page = page_of(name);
        ASSERT_EQ(pixGetDepth(page.get()), 8) << name;
        expect_the_ink_of(page.get(), name);
    }
}

/// Room for components of a page, with rubbish in it.
struct RoomForComponents {
    RoomForComponents(uint32_t height, uint32_t most_runs, uint32_t most_components)
        : first_runs(height + 1, 77),
          first_roots(height + 1, 77),
          parents(most_runs, 77),
          runs(most_runs),
          boxes(most_runs),
          components(most_components) {}
    CardComponents on_card() {
        return {components.data(),
                &components_found,
                &runs_found,
                static_cast<uint32_t>(components.size()),
                static_cast<uint32_t>(runs.size()),
                first_runs.data(),
                first_roots.data(),
                runs.data(),
                parents.data(),
                boxes.data()};
    }
    std::vector<uint32_t> first_runs, first_roots, parents;
    std::vector<CardRun> runs;
    std::vector<CardComponent> boxes, components;
    uint32_t components_found = 77, runs_found = 77;
};

uint32_t runs_of(PIX* ink) {
    uint32_t runs = 0;
    for (int32_t y = 0; y < pixGetHeight(ink); ++y) {
        l_uint32 before = 0;
        for (int32_t x = 0; x < pixGetWidth(ink); ++x) {
            const l_uint32 bit = GET_DATA_BIT(pixGetData(ink) + static_cast<ptrdiff_t>(y) * pixGetWpl(ink), x);
            runs += bit & ~before;
            before = bit;
        }
    }
    return runs;
}

/// With no more room than they need. How many there are.
size_t expect_the_components_of(PIX* ink, const std::string& what) {
    const std::vector<Component> expected = components_of(ink);
    const CardPage page = as_card_page(ink);
    RoomForComponents room(page.height, runs_of(ink), static_cast<uint32_t>(expected.size()));
    launch_components(on_cpu, page, room.on_card());
    EXPECT_EQ(room.runs_found, room.runs.size()) << what;
    EXPECT_EQ(room.components_found, expected.size()) << what;
    for (size_t i = 0; i < expected.size() && i < room.components_found; ++i) {
        const CardComponent& seen = room.components[i];
        if (Box{seen.left, seen.top, seen.right, seen.bottom} == expected[i].box &&
            seen.pixels == static_cast<uint32_t>(expected[i].pixels))
            continue;
        ADD_FAILURE() << what << ": component " << i << " of " << expected.size();
        break;
    }
    return expected.size();
}

TEST(CudaPage, FindsTheComponentsThatTheCpuFinds) {
    std::mt19937 random(4);
    for (int round = 0; round < 50; ++round) {
        const auto width = static_cast<int32_t>(1 + random() % (round % 8 == 0 ? 2300 : 150));
        const auto height = static_cast<int32_t>(1 + random() % 60);
        const Pixels ink(pixCreate(width, height, 1));
        const auto one_in = 2 + random() % 5;
        const auto words = static_cast<ptrdiff_t>(pixGetWpl(ink.get())) * height;
        std::generate(pixGetData(ink.get()), pixGetData(ink.get()) + words, [&] {
            uint32_t word = 0;
            for (uint32_t bit = 0; bit < 32; ++bit) word |= uint32_t{random() % one_in == 0} << bit;
            return round % 3 == 0 ? ~word : word;
        });
        expect_the_components_of(ink.get(), std::to_string(round));
    }
}

TEST(CudaPage, JoinsWhatComesTogetherLate) {
    const Pixels combs(pixCreate(400, 90, 1));
    for (int32_t y = 0; y < 90; ++y)
        for (int32_t x = 0; x < 400; ++x) {
            const bool up = y < 40 && x % 4 == 1 && y >= x % 16, line = y == 40;
            const bool spiral = y > 45 && (y % 6 == 0 || (x == 3 && y % 12 > 6) || (x == 399 && y % 12 < 6));
            if (up || line || spiral) pixSetPixel(combs.get(), x, y, 1);
        }
    EXPECT_EQ(expect_the_components_of(combs.get(), "combs"), 2u);
    for (const uint32_t bits : {0u, ~0u}) {
        const Pixels even(pixCreate(70, 40, 1));
        std::fill_n(pixGetData(even.get()), 40 * pixGetWpl(even.get()), bits);
        expect_the_components_of(even.get(), "all alike");
    }
}

TEST(CudaPage, FindsTheComponentsOfPages) {
    for (const char* name : {"phototest/phototest.tif", "linn/ccitt.pdf"}) {
        const Pixels page = page_of(name);
        EXPECT_GT(expect_the_components_of(black_on_white(page.get()).get(), name), 200u) << name;
    }
}

TEST(CudaPage, SaysWhereThereIsNoRoomForSoMuchInk) {
    std::mt19937 random(5);
    const Pixels noise = random_page(random, 300, 100, 1);
    const CardPage page = as_card_page(noise.get());
    const auto components = static_cast<uint32_t>(components_of(noise.get()).size());
    const uint32_t runs = runs_of(noise.get());
    for (const bool lacks_runs : {false, true}) {
        RoomForComponents room(page.height, runs, components);
        room.runs.back().end = 77;
        room.components.back().pixels = 77;
        CardComponents on_card = room.on_card();
        --(lacks_runs ? on_card.most_runs : on_card.most_components);
        launch_components(on_cpu, page, on_card);
        EXPECT_EQ(room.runs_found, runs);
        EXPECT_EQ(room.components_found, lacks_runs ? 0 : components);
        EXPECT_EQ(room.components.back().pixels, 77u);
        if (lacks_runs) {
            EXPECT_EQ(room.runs.back().end, 77);
            EXPECT_EQ(room.parents.back(), 77u);
        }
    }
}

}  // namespace
}  // namespace pg_ocr
