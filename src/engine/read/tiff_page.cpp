#include "engine/read/tiff_page.h"

#include <algorithm>
#include <new>
#include <vector>

#include "engine/read/tiff_file.h"
#include "engine/read/turn.h"

namespace pg_ocr {
namespace {

/// Whatever the samples are (colours, inks, 16 bits deep, in tiles), libtiff makes colours of them.
Pixels decode_colours(Bytes file, const TiffPage& page) {
    TiffSource source{file};
    TiffFile tiff = open_tiff(source, page.offset);
    if (!tiff) return {};
    std::vector<uint32_t> colours(static_cast<size_t>(page.width) * page.height);
    constexpr int stop_on_error = 1;
    // Any other orientation would be undone in part only; it is undone below.
    TIFFSetField(tiff.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    if (TIFFReadRGBAImageOriented(tiff.get(), page.width, page.height, colours.data(), ORIENTATION_TOPLEFT,
                                  stop_on_error) == 0)
        return {};
    Pixels pixels(pixCreate(static_cast<l_int32>(page.width), static_cast<l_int32>(page.height), 8));
    if (!pixels) throw std::bad_alloc();
    constexpr uint32_t red = 3, green = 5, blue = 2, all = red + green + blue, white = 255;
    const uint32_t* colour = colours.data();
    for (uint32_t y = 0; y < page.height; ++y) {
        l_uint32* row =
            pixGetData(pixels.get()) + static_cast<size_t>(y) * static_cast<size_t>(pixGetWpl(pixels.get()));
        for (uint32_t x = 0; x < page.width; ++x, ++colour) {
            // Colours come multiplied by their opacity: what they lack of it is paper.
            uint32_t grey = (red * TIFFGetR(*colour) + green * TIFFGetG(*colour) + blue * TIFFGetB(*colour)) / all;
            SET_DATA_BYTE(row, x, static_cast<l_uint8>(std::min(white, grey + white - TIFFGetA(*colour))));
        }
    }
    return turned(std::move(pixels), turn_of(page.orientation));
}

}  // namespace

Pixels decode_tiff_page(Bytes file, const TiffPage& page) {
    Pixels pixels;
    // Leptonica keeps black and white in one bit. It undoes the orientation itself, but that of colours wrongly.
    if (page.samples == 1) {
        size_t offset = page.offset;
        pixels.reset(pixReadMemFromMultipageTiff(file.data(), file.size(), &offset));
    }
    if (!pixels) pixels = decode_colours(file, page);
    if (!pixels)
        throw DocumentError(ErrorCode::page_damaged,
                            "the TIFF image cannot be decoded; submit it again from an undamaged file");
    return pixels;
}

}  // namespace pg_ocr
