// What is ink, held to Tesseract's own threshold bit by bit.
#include "engine/layout/ink.h"

#include <gtest/gtest.h>
#include <tesseract/baseapi.h>

#include <functional>
#include <random>

#include "engine/read/reader.h"
#include "reading.h"

namespace pg_ocr {
namespace {

Pixels page_of(int32_t width, int32_t height, const std::function<uint32_t(int32_t x, int32_t y)>& grey) {
    Pixels page(pixCreate(width, height, 8));
    for (int32_t y = 0; y < height; ++y)
        for (int32_t x = 0; x < width; ++x) pixSetPixel(page.get(), x, y, grey(x, y));
    return page;
}

Pixels ink_by_tesseract(PIX* page) {
    tesseract::TessBaseAPI& tesseract = recognisers().layout_for("eng", 3);
    tesseract.SetImage(page);
    tesseract.SetSourceResolution(300);
    Pixels ink(tesseract.GetThresholdedImage());
    tesseract.Clear();
    return ink;
}

/// The very words, with what lies beyond the right edge.
std::vector<l_uint32> words_of(PIX* pixels) {
    return {pixGetData(pixels), pixGetData(pixels) + static_cast<ptrdiff_t>(pixGetWpl(pixels)) * pixGetHeight(pixels)};
}

void expect_tesseracts_ink(PIX* page, const std::string& what) {
    const Pixels ours = ink_of(page);
    const Pixels theirs = ink_by_tesseract(page);
    ASSERT_TRUE(theirs) << what;
    EXPECT_EQ(pixGetWidth(ours.get()), pixGetWidth(theirs.get())) << what;
    EXPECT_EQ(words_of(ours.get()), words_of(theirs.get())) << what;
}

TEST(Ink, IsTesseractsOnPages) {
    for (const char* name :
         {"formats/testocr.png", "pypdf-samples/habibi-rotated.pdf", "ocrmypdf-robust/baiona_alpha.png"}) {
        const std::string document = contents_of(data_path(name));
        const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
        const PageImage image = open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
        ASSERT_EQ(pixGetDepth(image.pixels.get()), 8) << name;
        expect_tesseracts_ink(image.pixels.get(), name);
    }
}

TEST(Ink, IsTesseractsWhereGreysAreFew) {
    for (const uint32_t grey : {0u, 1u, 128u, 254u, 255u})
        expect_tesseracts_ink(page_of(40, 9, [=](int32_t, int32_t) { return grey; }).get(), std::to_string(grey));
    for (int32_t dark = 0; dark <= 6; ++dark) {  // columns; from 3 on the bright ones are the ink
        const auto two_greys = [=](int32_t x, int32_t) { return x % 6 < dark ? 100u : 150u; };
        expect_tesseracts_ink(page_of(36, 5, two_greys).get(), std::to_string(dark) + " dark columns of 6");
    }
    // The middle one may count to either side, and it matters to which.
    const auto three_greys = [](int32_t x, int32_t) { return static_cast<uint32_t>(x % 3 * 100); };
    expect_tesseracts_ink(page_of(63, 4, three_greys).get(), "three greys");
}

TEST(Ink, IsTesseractsOfEveryWidth) {
    std::mt19937 random(4);
    for (int32_t width = 1; width <= 70; ++width) {
        const auto darkest = static_cast<uint32_t>(random() % 200);
        const auto noise = [&](int32_t x, int32_t) {
            return x + 1 == width ? 255u : darkest + static_cast<uint32_t>(random()) % 56;  // the last column counts
        };
        expect_tesseracts_ink(page_of(width, 7, noise).get(), "width " + std::to_string(width));
    }
}

}  // namespace
}  // namespace pg_ocr
