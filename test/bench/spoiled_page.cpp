// Makes of a page's image what scanners and cameras make of pages; test/bench/layout makes variants of pages with it.
//
//   spoiled_page IMAGE CHANGES TO.png
//
// CHANGES, parted by commas, are some of blur=SIGMA (pixels), skew=DEGREES and turn=DEGREES (clockwise), salt=SHARE (of
// pixels that become black or white) and jpeg=QUALITY. The same image and changes give the same image.
#include <allheaders.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numbers>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>

#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::runtime_error("leptonica made nothing");
    return Pixels(pix);
}

struct KernelDeleter {
    void operator()(L_KERNEL* kernel) const { kernelDestroy(&kernel); }
};
using Kernel = std::unique_ptr<L_KERNEL, KernelDeleter>;

Pixels blurred(PIX* pixels, double sigma) {
    const int32_t reach = static_cast<int32_t>(std::ceil(3 * sigma));
    L_KERNEL *along = nullptr, *across = nullptr;
    makeGaussianKernelSep(reach, reach, static_cast<float>(sigma), 1, &along, &across);
    const Kernel first(along), second(across);
    if (!first || !second) throw std::runtime_error("leptonica made no kernel");
    return made(pixConvolveSep(pixels, first.get(), second.get(), 8, 1));
}

Pixels salted(Pixels pixels, double share) {
    std::mt19937 random(1);
    const auto limit = static_cast<uint32_t>(share * static_cast<double>(std::mt19937::max()));
    for (int32_t y = 0; y < pixGetHeight(pixels.get()); ++y) {
        l_uint32* row = pixGetData(pixels.get()) + static_cast<ptrdiff_t>(y) * pixGetWpl(pixels.get());
        for (int32_t x = 0; x < pixGetWidth(pixels.get()); ++x)
            if (const auto number = static_cast<uint32_t>(random()); number < limit)
                SET_DATA_BYTE(row, x, number % 2 == 0 ? 0 : 255);
    }
    return pixels;
}

Pixels through_jpeg(PIX* pixels, int32_t quality) {
    l_uint8* bytes = nullptr;
    size_t size = 0;
    if (pixWriteMemJpeg(&bytes, &size, pixels, quality, 0) != 0) throw std::runtime_error("leptonica wrote no JPEG");
    const std::unique_ptr<l_uint8, decltype(&lept_free)> kept(bytes, lept_free);
    return made(pixReadMem(bytes, size));
}

Pixels changed(Pixels pixels, const std::string& what, double much) {
    if (what == "blur") return blurred(pixels.get(), much);
    if (what == "skew")
        return made(pixRotate(pixels.get(), static_cast<float>(much * std::numbers::pi / 180), L_ROTATE_AREA_MAP,
                              L_BRING_IN_WHITE, 0, 0));
    if (what == "turn") return made(pixRotateOrth(pixels.get(), static_cast<int>(much) / 90));
    if (what == "salt") return salted(std::move(pixels), much);
    if (what == "jpeg") return through_jpeg(pixels.get(), static_cast<int32_t>(much));
    throw std::runtime_error("there is no change called " + what);
}

void spoil(const char* from, const std::string& changes, const char* to) {
    const Pixels page = made(pixRead(from));
    const int32_t dpi = pixGetXRes(page.get());
    Pixels pixels = made(pixConvertTo8(page.get(), 0));
    std::istringstream all(changes);
    for (std::string change; std::getline(all, change, ',');) {
        const size_t equals = change.find('=');
        if (equals == std::string::npos) throw std::runtime_error("no change is called " + change);
        pixels = changed(std::move(pixels), change.substr(0, equals), std::atof(change.c_str() + equals + 1));
    }
    pixSetResolution(pixels.get(), dpi, dpi);
    if (pixWrite(to, pixels.get(), IFF_PNG) != 0) throw std::runtime_error("leptonica wrote no PNG");
}

}  // namespace
}  // namespace pg_ocr

int main(int count, char** arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: spoiled_page IMAGE CHANGES TO.png\n");
        return 2;
    }
    try {
        pg_ocr::spoil(arguments[1], arguments[2], arguments[3]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", arguments[1], error.what());
        return 1;
    }
}
