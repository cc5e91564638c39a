// Writes pages, in grey and in black and white, and what the engine makes of them, to a file of saved stages:
// save_page_stages FILE IMAGE…
#include <leptonica/allheaders.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "engine/fallback/treatment.h"
#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/lines/components.h"
#include "engine/lines/text_page.h"
#include "saved_stages.h"

namespace {

using namespace pg_ocr;

CardPage measures_of(PIX* pixels) {
    return {nullptr, static_cast<uint32_t>(pixGetWpl(pixels)), static_cast<uint32_t>(pixGetWidth(pixels)),
            static_cast<uint32_t>(pixGetHeight(pixels)), static_cast<uint32_t>(pixGetDepth(pixels))};
}

const uint8_t* bytes_of(PIX* pixels) { return reinterpret_cast<const uint8_t*>(pixGetData(pixels)); }
size_t byte_count(PIX* pixels) { return size_t{4} * static_cast<size_t>(pixGetWpl(pixels) * pixGetHeight(pixels)); }

/// Rows as long as a card has them.
void save_words(SavedStages& saved, PIX* pixels) {
    saved.page = measures_of(pixels);
    const uint32_t words_in_row = saved.page.words_in_row;
    if (saved.page.depth == 8)
        saved.page.words_in_row = (words_in_row + card_row_words - 1) / card_row_words * card_row_words;
    saved.words.resize(size_t{saved.page.words_in_row} * saved.page.height);
    for (uint32_t y = 0; y < saved.page.height; ++y)
        std::copy_n(pixGetData(pixels) + size_t{y} * words_in_row, words_in_row,
                    &saved.words[size_t{y} * saved.page.words_in_row]);
}

SavedStages stages_of(PIX* pixels) {
    SavedStages saved;
    save_words(saved, pixels);
    const Pixels ink = black_on_white(pixels);
    for (const TextBlock& block : text_page_of(ink.get()).blocks)
        for (const LineOfUnits& line : block.lines)
            for (const LineUnit& unit : line.units)
                for (const uint32_t height : {36u, 48u}) {
                    saved.lines.push_back({unit.crop, block.quarter_turns, unit.slope, height});
                    const recognise::LineImage image = line_image_of(pixels, unit, block.quarter_turns, height);
                    saved.images.push_back(image.pixels.empty() ? 0 : fingerprint_of(image.pixels));
                }
    if (saved.page.depth == 1) {
        for (const Component& each : components_of(pixels)) saved.components.push_back({each.box, each.pixels});
        return saved;
    }
    const auto treated_by = [&](const Treatment& treatment) {
        PageImage image;
        image.pixels.reset(pixCopy(nullptr, pixels));
        image.dpi = dpi_of_window;
        return treated(std::move(image), treatment);
    };
    const auto save_ink = [&](PIX* bits) { saved.ink.push_back(fingerprint_of({bytes_of(bits), byte_count(bits)})); };
    Treatment evened, turned, local;
    evened.evened = true;
    turned.skew = turned_by_degrees;
    local.local = true;
    save_ink(ink_of(pixels).get());
    save_ink(treated_by(local).ink.get());
    for (const Treatment& treatment : {evened, turned}) {
        const PageImage image = treated_by(treatment);
        saved.evened_and_turned.push_back(
            fingerprint_of(measures_of(image.pixels.get()), pixGetData(image.pixels.get())));
    }
    return saved;
}

std::vector<SavedStages> stages_in_grey_and_black(PIX* page) {
    std::vector<SavedStages> stages;
    stages.push_back(stages_of(page));
    stages.push_back(stages_of(black_on_white(page).get()));
    return stages;
}

Pixels read_page(const char* path) {
    const Pixels read(pixRead(path));
    if (!read) throw std::runtime_error(std::string("cannot read ") + path);
    return Pixels(pixConvertTo8(read.get(), 0));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: save_page_stages FILE IMAGE...\n", stderr);
        return 2;
    }
    try {
        // A part of a page comes first, for tools that look at each instruction.
        const Pixels first = read_page(argv[2]);
        BOX middle{pixGetWidth(first.get()) / 3, pixGetHeight(first.get()) / 3, 531, 297, 1};
        std::vector<SavedStages> pages =
            stages_in_grey_and_black(Pixels(pixClipRectangle(first.get(), &middle, nullptr)).get());
        for (int i = 2; i < argc; ++i)
            for (SavedStages& each : stages_in_grey_and_black(read_page(argv[i]).get()))
                pages.push_back(std::move(each));
        StagesFile::save(argv[1], pages);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "save_page_stages: %s\n", error.what());
        return 1;
    }
}
