// Writes the lines that our layout finds on pages, scaled for a network, to a file of saved lines:
// save_page_lines HEIGHT FILE IMAGE…
#include <leptonica/allheaders.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/lines/text_page.h"
#include "saved_lines.h"

namespace {

using namespace pg_ocr;

std::vector<recognise::LineImage> lines_of(const char* path, uint32_t height) {
    const Pixels read(pixRead(path));
    if (!read) throw std::runtime_error(std::string("cannot read ") + path);
    const Pixels page(pixConvertTo8(read.get(), 0));
    const Pixels ink = black_on_white(page.get());
    std::vector<recognise::LineImage> lines;
    for (const TextBlock& block : text_page_of(ink.get()).blocks)
        for (const LineOfUnits& line : block.lines)
            for (const LineUnit& unit : line.units) {
                recognise::LineImage image = line_image_of(page.get(), unit, block.quarter_turns, height);
                if (!image.pixels.empty()) lines.push_back(std::move(image));
            }
    return lines;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: save_page_lines HEIGHT FILE IMAGE...\n", stderr);
        return 2;
    }
    try {
        SavedPages pages;
        for (int i = 3; i < argc; ++i)
            pages.push_back(lines_of(argv[i], static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10))));
        save_lines(argv[2], pages);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "save_page_lines: %s\n", error.what());
        return 1;
    }
}
