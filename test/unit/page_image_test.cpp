#include "engine/draw/page_image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <vector>

#include "engine/document_error.h"
#include "engine/read/document_type.h"
#include "reading.h"

namespace pg_ocr {
namespace {

std::string encoded(PIX* pixels, l_int32 format) {
    l_uint8* data = nullptr;
    size_t size = 0;
    EXPECT_EQ(pixWriteMem(&data, &size, pixels, format), 0);
    std::string bytes(reinterpret_cast<char*>(data), size);
    std::free(data);
    return bytes;
}

std::vector<Drawn> drawn_of(const std::string& document, const DrawRequest& request) {
    std::vector<Drawn> all;
    draw_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request,
                  [&](const Drawn& drawn) { all.push_back(drawn); });
    return all;
}

Drawn drawn_of(const std::string& document, const PageView& view, int32_t dpi = 150) {
    DrawRequest request;
    request.dpi = dpi;
    request.pages = {view};
    return drawn_of(document, request).at(0);
}

Pixels pixels_of(const Drawn& drawn) {
    Pixels pixels(pixReadMem(reinterpret_cast<const l_uint8*>(drawn.bytes.data()), drawn.bytes.size()));
    EXPECT_TRUE(pixels);
    return Pixels(pixConvertTo8(pixels.get(), 0));
}

l_uint32 grey_at(PIX* pixels, int32_t x, int32_t y) {
    l_uint32 grey = 0;
    pixGetPixel(pixels, x, y, &grey);
    return grey;
}

/// White, 600 × 900 at 300 dpi, with a black square of 60 pixels at 90, 150.
std::string page_with_a_square(l_int32 format = IFF_PNG) {
    Pixels page(pixCreate(600, 900, format == IFF_TIFF_G4 ? 1 : 8));
    if (format != IFF_TIFF_G4) pixSetAll(page.get());
    pixRasterop(page.get(), 90, 150, 60, 60, format == IFF_TIFF_G4 ? PIX_SET : PIX_CLR, nullptr, 0, 0);
    pixSetResolution(page.get(), 300, 300);
    return encoded(page.get(), format);
}

TEST(PageImages, AreInTheLayoutsCoordinates) {
    for (const l_int32 format : {IFF_PNG, IFF_TIFF_G4}) {
        const Drawn drawn = drawn_of(page_with_a_square(format), {1, 600, 900, 300, 0, 0});
        EXPECT_EQ(drawn.failure.message, "");
        EXPECT_EQ(drawn.width, 300);
        EXPECT_EQ(drawn.height, 450);
        const Pixels pixels = pixels_of(drawn);
        EXPECT_EQ(pixGetWidth(pixels.get()), 300);
        EXPECT_LT(grey_at(pixels.get(), 47, 77), 50u);
        EXPECT_LT(grey_at(pixels.get(), 72, 102), 50u);
        EXPECT_GT(grey_at(pixels.get(), 42, 77), 200u);
        EXPECT_GT(grey_at(pixels.get(), 78, 102), 200u);
    }
}

TEST(PageImages, AreTurnedAsThePageWas) {
    // Clockwise: what is left of the top comes to the right of it.
    const Pixels quarter = pixels_of(drawn_of(page_with_a_square(), {1, 900, 600, 300, 90, 0}));
    EXPECT_EQ(pixGetWidth(quarter.get()), 450);
    EXPECT_LT(grey_at(quarter.get(), 450 - 90, 60), 50u);
    EXPECT_GT(grey_at(quarter.get(), 90, 60), 200u);
    const Pixels half = pixels_of(drawn_of(page_with_a_square(), {1, 600, 900, 300, 180, 0}));
    EXPECT_LT(grey_at(half.get(), 300 - 60, 450 - 90), 50u);
    const Pixels three = pixels_of(drawn_of(page_with_a_square(), {1, 900, 600, 300, 270, 0}));
    EXPECT_LT(grey_at(three.get(), 90, 300 - 60), 50u);
}

TEST(PageImages, AreStraightenedAboutTheirCentre) {
    constexpr float skew = 10;
    const Pixels pixels = pixels_of(drawn_of(page_with_a_square(), {1, 600, 900, 300, 0, skew}));
    const double angle = static_cast<double>(skew) * std::acos(-1) / 180;
    const double x = 60 - 150, y = 90 - 225;  // the square's middle, from the page's
    const auto turned_x = static_cast<int32_t>(std::lround(150 + x * std::cos(angle) - y * std::sin(angle)));
    const auto turned_y = static_cast<int32_t>(std::lround(225 + x * std::sin(angle) + y * std::cos(angle)));
    EXPECT_LT(grey_at(pixels.get(), turned_x, turned_y), 50u);
    EXPECT_GT(grey_at(pixels.get(), turned_x + 25, turned_y), 200u);
    EXPECT_GT(grey_at(pixels.get(), turned_x, turned_y - 25), 200u);
    EXPECT_GT(grey_at(pixels.get(), 2, 2), 200u) << "what comes in at the corners is white";
}

TEST(PageImages, OfAPdfHaveNoMorePixelsThanAreWanted) {
    const std::string pdf = contents_of(data_path("ocrmypdf-robust/multipage.pdf"));
    DrawRequest request;
    request.dpi = 150;
    Pixels whole;
    ReadRequest asked;
    const Bytes bytes(reinterpret_cast<const uint8_t*>(pdf.data()), pdf.size());
    const auto reader = open_document(document_type(bytes), bytes, asked);
    for (const uint32_t page_no : {3u, 1u}) {
        const PageImage image = reader->image_of(page_no);
        request.pages.push_back(
            {page_no, pixGetWidth(image.pixels.get()), pixGetHeight(image.pixels.get()), image.dpi, image.rotation, 0});
    }
    const std::vector<Drawn> all = drawn_of(pdf, request);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].page_no, 3u);
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].failure.message, "");
        EXPECT_NEAR(all[i].width, request.pages[i].width / 2.0, 1);
    }
}

TEST(PageImages, AreNotLargerThanThePageThatWasRead) {
    EXPECT_EQ(drawn_of(page_with_a_square(), {1, 600, 900, 100, 0, 0}).width, 600);
    Pixels large(pixCreate(6000, 4000, 1));
    const Drawn drawn = drawn_of(encoded(large.get(), IFF_PNG), {1, 6000, 4000, 72, 0, 0});
    EXPECT_LE(static_cast<double>(drawn.width) * drawn.height, 6.1e6);
    EXPECT_EQ(drawn.type, "image/png");
}

TEST(PageImages, OfPhotographsAreJpegs) {
    const std::string photo = contents_of(data_path("ocrmypdf-robust/baiona_cmyk.jpg"));
    ReadRequest asked;
    const Bytes bytes(reinterpret_cast<const uint8_t*>(photo.data()), photo.size());
    const PageImage image = open_document(document_type(bytes), bytes, asked)->image_of(1);
    const Drawn drawn =
        drawn_of(photo, {1, pixGetWidth(image.pixels.get()), pixGetHeight(image.pixels.get()), image.dpi, 0, 0});
    EXPECT_EQ(drawn.type, "image/jpeg");
}

TEST(PageImages, ThatAreKeptHaveNoMoreDotsThanItTakes) {
    for (const auto& [dpi, width] : {std::pair{300, 300}, {150, 600}, {72, 600}}) {
        Pixels page(pixCreate(600, 900, 1));
        pixRasterop(page.get(), 90, 150, 60, 60, PIX_SET, nullptr, 0, 0);
        Drawn kept;
        kept.bytes = picture_of(std::move(page), dpi);
        const Pixels picture = pixels_of(kept);
        EXPECT_EQ(pixGetWidth(picture.get()), width);
        EXPECT_EQ(pixGetHeight(picture.get()), width * 3 / 2);
        EXPECT_LT(grey_at(picture.get(), width / 5, width * 3 / 10), 50u);
        EXPECT_GT(grey_at(picture.get(), width / 10, width * 3 / 10), 200u);
    }
}

TEST(PageImages, OfAnotherDocumentAreRefused) {
    for (const PageView& view : {PageView{1, 600, 800, 300, 0, 0}, PageView{1, 600, 900, 300, 90, 0},
                                 PageView{2, 600, 900, 300, 0, 0}, PageView{0, 600, 900, 300, 0, 0}}) {
        const Drawn drawn = drawn_of(page_with_a_square(), view);
        EXPECT_EQ(drawn.failure.code, ErrorCode::document_damaged) << drawn.failure.message;
        EXPECT_EQ(drawn.page_no, view.page_no);
        EXPECT_TRUE(drawn.bytes.empty());
    }
    EXPECT_EQ(drawn_of(page_with_a_square(), {1, 0, 900, 300, 0, 0}).failure.code, ErrorCode::page_damaged);
    EXPECT_THROW(drawn_of("no document", {1, 600, 900, 300, 0, 0}), DocumentError);
}

TEST(PageImages, BeyondTheLimitOfPixelsAreRefused) {
    DrawRequest request;
    request.dpi = 150;
    request.limits.page_pixels = 1000;
    request.pages = {{1, 600, 900, 300, 0, 0}};
    EXPECT_EQ(drawn_of(page_with_a_square(), request).at(0).failure.code, ErrorCode::page_too_large);
}

}  // namespace
}  // namespace pg_ocr
