#include "engine/read/image.h"

#include <gtest/gtest.h>
#include <tiffio.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "engine/read/decode.h"
#include "engine/read/exif.h"
#include "engine/read/resolution.h"
#include "engine/read/tiff_page.h"
#include "engine/read/turn.h"
#include "reading.h"

namespace pg_ocr {
namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

PageImage image_of(const std::string& document, const ReadRequest& request = {}, uint32_t page_no = 1) {
    return open_document(document_type(bytes_of(document)), bytes_of(document), request)->image_of(page_no);
}

PageImage image_of_file(const std::string& name) { return image_of(contents_of(data_path(name))); }

Failure image_failure(const std::string& document, const ReadRequest& request = {}, uint32_t page_no = 1) {
    try {
        image_of(document, request, page_no);
    } catch (const DocumentError& error) {
        return error.failure;
    }
    return {};
}

double mean_grey(PIX* pixels) {
    Pixels grey(pixConvertTo8(pixels, 0));
    l_float32 mean = 0;
    pixGetAverageMasked(grey.get(), nullptr, 0, 0, 1, L_MEAN_ABSVAL, &mean);
    return static_cast<double>(mean);
}

/// 0: the same picture, whatever its size; 255: its negative.
double difference(PIX* a, PIX* b) {
    constexpr l_int32 side = 64;
    Pixels first(pixConvertTo8(a, 0)), second(pixConvertTo8(b, 0));
    first.reset(pixScaleToSize(first.get(), side, side));
    second.reset(pixScaleToSize(second.get(), side, side));
    Pixels apart(pixAbsDifference(first.get(), second.get()));
    return mean_grey(apart.get());
}

std::string encoded(PIX* pixels, l_int32 format) {
    l_uint8* data = nullptr;
    size_t size = 0;
    EXPECT_EQ(pixWriteMem(&data, &size, pixels, format), 0);
    std::string bytes(reinterpret_cast<char*>(data), size);
    std::free(data);
    return bytes;
}

std::string big_endian(uint32_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> 8 * i);
    return text;
}

std::string little_endian(uint32_t value) {
    std::string text = big_endian(value, 4);
    return {text.rbegin(), text.rend()};
}

/// EXIF data that say nothing but the orientation.
std::string exif_with(uint16_t orientation) {
    return std::string("MM\0\x2a\0\0\0\x08\0\x01", 10) + big_endian(274, 2) + big_endian(3, 2) + big_endian(1, 4) +
           big_endian(orientation, 2) + big_endian(0, 2) + big_endian(0, 4);
}

std::string with_exif(std::string image, l_int32 format, uint16_t orientation) {
    std::string exif = exif_with(orientation);
    if (format == IFF_JFIF_JPEG) {
        std::string segment = std::string("Exif\0\0", 6) + exif;
        return image.insert(2, "\xff\xe1" + big_endian(static_cast<uint32_t>(segment.size() + 2), 2) + segment);
    }
    if (format == IFF_PNG) {  // before the chunk that ends it; decoders of pixels do not check this one's checksum
        std::string chunk = big_endian(static_cast<uint32_t>(exif.size()), 4) + "eXIf" + exif;
        return image.insert(image.size() - 12, chunk + std::string(4, '\0'));
    }
    image += "EXIF" + little_endian(static_cast<uint32_t>(exif.size())) + exif;
    return image.replace(4, 4, little_endian(static_cast<uint32_t>(image.size() - 8)));
}

/// As a camera that is held so stores the upright picture.
Pixels as_stored(PIX* upright, uint16_t orientation) {
    Turn turn = turn_of(orientation);
    Pixels stored(pixRotateOrth(upright, (360 - turn.degrees) / 90 % 4));
    if (turn.mirror) stored.reset(pixFlipLR(nullptr, stored.get()));
    return stored;
}

Pixels upright_picture() { return std::move(image_of_file("formats/testocr.png").pixels); }

class Orientations : public testing::TestWithParam<uint16_t> {};

TEST_P(Orientations, InExifDataAreUndone) {
    Pixels upright = upright_picture();
    Pixels stored = as_stored(upright.get(), GetParam());
    for (l_int32 format : {IFF_PNG, IFF_JFIF_JPEG, IFF_WEBP}) {
        PageImage page = image_of(with_exif(encoded(stored.get(), format), format, GetParam()));
        EXPECT_EQ(pixGetWidth(page.pixels.get()), pixGetWidth(upright.get())) << format;
        EXPECT_LT(difference(page.pixels.get(), upright.get()), 2) << "format " << format;
        EXPECT_EQ(page.rotation, turn_of(GetParam()).degrees) << format;
    }
}

std::string tiff_of(PIX* pixels, uint16_t orientation, uint16_t samples) {
    std::string path = testing::TempDir() + "/oriented_" + std::to_string(orientation) + ".tif";
    TIFF* tiff = TIFFOpen(path.c_str(), "w");
    auto width = static_cast<uint32_t>(pixGetWidth(pixels)), height = static_cast<uint32_t>(pixGetHeight(pixels));
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC,
                 samples == 1   ? PHOTOMETRIC_MINISBLACK
                 : samples == 3 ? PHOTOMETRIC_RGB
                                : PHOTOMETRIC_SEPARATED);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, orientation);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, height);
    std::string row(static_cast<size_t>(width) * samples, '\0');
    for (uint32_t y = 0; y < height; ++y) {
        for (uint32_t x = 0; x < width; ++x) {
            l_uint32 value = 0;
            pixGetPixel(pixels, static_cast<l_int32>(x), static_cast<l_int32>(y), &value);
            for (uint32_t s = 0; s < samples; ++s)  // of four inks, black alone
                row[x * samples + s] = static_cast<char>(samples < 4 ? value : s == 3 ? 255 - value : 0);
        }
        EXPECT_EQ(TIFFWriteScanline(tiff, row.data(), y, 0), 1);
    }
    TIFFClose(tiff);
    std::string file = contents_of(path);
    std::filesystem::remove(path);
    return file;
}

TEST_P(Orientations, InTiffFilesAreUndone) {
    Pixels upright = upright_picture();
    Pixels stored = as_stored(upright.get(), GetParam());
    for (uint16_t samples : {uint16_t{1}, uint16_t{3}, uint16_t{4}}) {
        PageImage page = image_of(tiff_of(stored.get(), GetParam(), samples));
        EXPECT_EQ(pixGetWidth(page.pixels.get()), pixGetWidth(upright.get())) << samples << " samples";
        EXPECT_LT(difference(page.pixels.get(), upright.get()), 2) << samples << " samples";
        EXPECT_EQ(page.rotation, turn_of(GetParam()).degrees) << samples << " samples";
    }
}

TEST(Images, InTiffFilesWhoseZeroIsWhiteAreNotNegatives) {
    Pixels upright = upright_picture();
    Pixels inverted(pixInvert(nullptr, upright.get()));
    std::string file = tiff_of(inverted.get(), 1, 1);
    std::string min_is_black = std::string("\x06\x01\x03\0\1\0\0\0\1\0", 10);
    size_t photometric = file.find(min_is_black);
    ASSERT_NE(photometric, std::string::npos);
    file[photometric + 8] = PHOTOMETRIC_MINISWHITE;
    EXPECT_LT(difference(image_of(file).pixels.get(), upright.get()), 2);
}

INSTANTIATE_TEST_SUITE_P(Images, Orientations, testing::Range(uint16_t{1}, uint16_t{9}));

TEST(Exif, ThatIsDamagedSaysNothing) {
    std::string upright = encoded(upright_picture().get(), IFF_JFIF_JPEG);
    std::string turned = with_exif(upright, IFF_JFIF_JPEG, 6);
    EXPECT_EQ(exif_of(DocumentType::jpeg, bytes_of(turned)).orientation, 6);
    EXPECT_EQ(exif_of(DocumentType::jpeg, bytes_of(with_exif(upright, IFF_JFIF_JPEG, 9))).orientation, 1);
    for (size_t length = 0; length < 64; ++length)
        EXPECT_NO_THROW(exif_of(DocumentType::jpeg, bytes_of(turned.substr(0, length))));
    EXPECT_EQ(image_of_file("pillow-robust/hopper_bad_exif.jpg").rotation, 0);
}

TEST(Images, OfEveryFormatShowTheSamePicture) {
    PageImage png = image_of_file("formats/simple.png");
    for (const char* name : {"simple.jpg", "simple.gif", "simple.bmp", "simple.webp", "simple.pbm"}) {
        PageImage other = image_of_file(std::string("formats/") + name);
        EXPECT_EQ(pixGetWidth(other.pixels.get()), pixGetWidth(png.pixels.get())) << name;
        EXPECT_LT(difference(other.pixels.get(), png.pixels.get()), 6) << name;
    }
}

TEST(Images, OfFourInksAreNotInverted) {
    PageImage transparent = image_of_file("ocrmypdf-robust/baiona_alpha.png");
    PageImage inks = image_of_file("ocrmypdf-robust/baiona_cmyk.jpg");
    EXPECT_LT(difference(inks.pixels.get(), transparent.pixels.get()), 20);
    PageImage jpeg = image_of_file("pillow-robust/pil_sample_cmyk.jpg");
    PageImage tiff = image_of_file("pillow-robust/tiff_tiled_cmyk_jpeg.tif");
    EXPECT_LT(difference(jpeg.pixels.get(), tiff.pixels.get()), 10);
}

TEST(Images, ShowWhiteWhereTheyAreTransparent) {
    Pixels picture(pixCreate(60, 40, 32));
    pixSetSpp(picture.get(), 4);  // all black, and all transparent
    for (l_int32 y = 10; y < 20; ++y)
        for (l_int32 x = 0; x < 60; ++x) pixSetPixel(picture.get(), x, y, 0x000000ff);
    for (l_int32 format : {IFF_PNG, IFF_WEBP}) {
        PageImage page = image_of(encoded(picture.get(), format));
        EXPECT_NEAR(mean_grey(page.pixels.get()), 255 * 0.75, 4) << format;
    }
}

TEST(Images, OfMoreThanEightBitsKeepTheirBrightness) {
    Pixels dark(pixCreate(32, 32, 16));
    for (l_int32 y = 0; y < 32; ++y)
        for (l_int32 x = 0; x < 32; ++x) pixSetPixel(dark.get(), x, y, x < 8 ? 0 : 4095);  // 12 bits in 16
    EXPECT_NEAR(mean_grey(image_of(encoded(dark.get(), IFF_TIFF)).pixels.get()), 255 * 0.75, 4);
    PageImage jp2 = image_of_file("pillow-robust/16bit.cropped.jp2"),
              j2k = image_of_file("pillow-robust/16bit.cropped.j2k");
    EXPECT_LT(difference(jp2.pixels.get(), j2k.pixels.get()), 1);
    EXPECT_GT(mean_grey(jp2.pixels.get()), 10);
    EXPECT_LT(mean_grey(jp2.pixels.get()), 245);
    EXPECT_EQ(pixGetWidth(image_of_file("pillow-robust/tiff_16bit_RGB.tiff").pixels.get()), 100);
}

TEST(Images, ThatMoveShowTheirFirstFrame) {
    PageImage webp = image_of_file("pillow-robust/iss634.webp");
    EXPECT_EQ(pixGetWidth(webp.pixels.get()), 245);
    EXPECT_EQ(image_of_file("pillow-robust/iss634.webp").rotation, 0);
    // Two frames: the second is never decoded, so that its damage does not matter.
    std::string gif = contents_of(data_path("formats/simple.gif"));
    std::string animated =
        gif.substr(0, gif.size() - 1) + "\x2c" + std::string(8, '\xff') + std::string(1, '\0') + "\x08";
    EXPECT_LT(difference(image_of(animated).pixels.get(), image_of(gif).pixels.get()), 1);
}

/// A still WebP image as the only frame of an animation that claims to be of ten pixels square.
std::string animation_of(const std::string& still) {
    std::string chunks = still.substr(12);
    std::string frame_header = std::string(12, '\0') + little_endian(0);
    std::string frame = "ANMF" + little_endian(static_cast<uint32_t>(16 + chunks.size())) + frame_header + chunks;
    std::string canvas = "VP8X" + little_endian(10) + std::string("\2\0\0\0\x09\0\0\x09\0\0", 10);
    std::string settings = "ANIM" + little_endian(6) + std::string(6, '\0');
    std::string body = "WEBP" + canvas + settings + frame;
    return "RIFF" + little_endian(static_cast<uint32_t>(body.size())) + body;
}

TEST(Images, TooLargeAreRefusedByTheirHeaderWithTheNumbers) {
    Failure bomb = image_failure(contents_of(data_path("pillow-robust/decompression_bomb.gif")));
    EXPECT_EQ(bomb.code, ErrorCode::page_too_large);
    EXPECT_NE(bomb.message.find("65535"), std::string::npos) << bomb.message;
    ReadRequest request;
    request.limits.page_pixels = 320 * 180 - 1;
    for (const char* name : {"simple.png", "simple.jpg", "simple.gif", "simple.bmp", "simple.webp", "simple.pbm"}) {
        Failure failure = image_failure(contents_of(data_path(std::string("formats/") + name)), request);
        EXPECT_EQ(failure.code, ErrorCode::page_too_large) << name;
        EXPECT_NE(failure.message.find("320 x 180 pixels; 57600 in all"), std::string::npos) << failure.message;
    }
    for (const char* name : {"16bit.cropped.jp2", "g4-multi.tiff"}) {
        request.limits.page_pixels = 64;
        EXPECT_EQ(image_failure(contents_of(data_path(std::string("pillow-robust/") + name)), request).code,
                  ErrorCode::page_too_large)
            << name;
    }
    request.limits.page_pixels = 100;
    EXPECT_EQ(image_failure(animation_of(contents_of(data_path("formats/simple.webp"))), request).code,
              ErrorCode::page_too_large)
        << "a large frame of a small animation";
    request.limits.page_pixels = 57600;
    EXPECT_FALSE(image_failure(contents_of(data_path("formats/simple.png")), request));
}

TEST(Images, CutOffAreDamagedNotHalfEmpty) {
    EXPECT_EQ(image_failure(contents_of(data_path("pillow-robust/truncated_jpeg.jpg"))).code, ErrorCode::page_damaged);
    EXPECT_EQ(image_failure(contents_of(data_path("pillow-robust/truncated_image.png"))).code, ErrorCode::page_damaged);
    for (const char* name : {"simple.png", "simple.jpg", "simple.gif", "simple.bmp", "simple.webp", "simple.pbm"}) {
        std::string whole = contents_of(data_path(std::string("formats/") + name));
        EXPECT_EQ(image_failure(whole.substr(0, whole.size() / 2)).code, ErrorCode::page_damaged) << name;
    }
    std::string jp2 = contents_of(data_path("pillow-robust/16bit.cropped.jp2"));
    EXPECT_EQ(image_failure(jp2.substr(0, jp2.size() / 2)).code, ErrorCode::page_damaged);
}

TEST(Images, CutOffAnywhereAreRefusedOrShowTheWholePicture) {
    size_t refused = 0;
    for (const char* folder : {"formats", "phototest", "pillow-robust"}) {
        for (const auto& file : std::filesystem::directory_iterator(data_path(folder))) {
            std::string whole = contents_of(file.path().string());
            constexpr size_t cuts = 12, largest = 70000;
            if (file.path().extension() == ".txt" || whole.size() > largest || image_failure(whole)) continue;
            Pixels picture = image_of(whole).pixels;
            for (size_t cut = 1; cut < cuts; ++cut) {
                std::string part = whole.substr(0, whole.size() * cut / cuts);
                if (image_failure(part)) {
                    ++refused;
                    continue;
                }
                l_int32 same = 0;
                pixEqual(image_of(part).pixels.get(), picture.get(), &same);
                EXPECT_EQ(same, 1) << file.path() << " cut at " << part.size();
            }
        }
    }
    EXPECT_GT(refused, 50u);
}

TEST(Images, WithAnyByteChangedFailCleanlyOrNotAtAll) {
    for (const char* name : {"simple.png", "simple.gif"}) {
        std::string whole = contents_of(data_path(std::string("formats/") + name));
        ReadRequest request;
        request.limits.page_pixels = 1000000;
        for (size_t at = 6; at < std::min<size_t>(whole.size(), 200); ++at) {
            std::string changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ 0xff);
            try {
                image_of(changed, request);
            } catch (const DocumentError& error) {
                EXPECT_FALSE(error.failure.message.empty());
            }
        }
    }
}

TEST(Resolution, IsBelievedWhereItIsCredible) {
    EXPECT_EQ(credible_resolution(300, 2480, 3508), 300);
    EXPECT_EQ(credible_resolution(203.6, 1728, 2200), 204);
    EXPECT_EQ(credible_resolution(72, 595, 842), 72);
    EXPECT_EQ(credible_resolution(72, 3024, 4032), 0) << "a telephone's photograph is not 56 inches long";
    EXPECT_EQ(credible_resolution(1, 600, 800), 0);
    EXPECT_EQ(credible_resolution(0, 600, 800), 0);
    EXPECT_EQ(credible_resolution(69, 600, 800), 0);
    EXPECT_EQ(credible_resolution(9600, 600, 800), 0);
    EXPECT_EQ(credible_resolution(std::nan(""), 600, 800), 0);
}

TEST(Resolution, IsEstimatedFromTheTextOnThePage) {
    PageImage scan = image_of_file("phototest/phototest.tif");  // 12 point text at 200 dpi
    EXPECT_NEAR(estimated_resolution(scan.pixels.get()), 200, 60);
    Pixels twice(pixScale(scan.pixels.get(), 2, 2));
    EXPECT_NEAR(estimated_resolution(twice.get()), 400, 120);
    Pixels blank(pixCreate(600, 800, 8));
    pixSetAll(blank.get());
    EXPECT_EQ(estimated_resolution(blank.get()), 300);
}

TEST(Resolution, OfTheRequestComesFirstThenTheFiles) {
    std::string tiff = contents_of(data_path("phototest/phototest.tif"));
    EXPECT_EQ(image_of(tiff).dpi, 200);
    ReadRequest request;
    request.dpi = 150;
    EXPECT_EQ(image_of(tiff, request).dpi, 150);
    EXPECT_GT(image_of_file("formats/testocr.jpg").dpi, 70);
    EXPECT_GE(image_of_file("pillow-robust/zero_dpi.jp2").dpi, 70);
}

TEST(Resolution, ThatDiffersAcrossAndDownIsMadeOne) {
    Pixels fax(pixCreate(200, 100, 8));
    pixSetAll(fax.get());
    pixSetResolution(fax.get(), 204, 98);
    PageImage page = image_of(encoded(fax.get(), IFF_TIFF));
    EXPECT_EQ(pixGetWidth(page.pixels.get()), 200);
    EXPECT_NEAR(pixGetHeight(page.pixels.get()), 208, 1);
    EXPECT_EQ(page.dpi, 204);
}

TEST(Resolution, DoesNotMakeAPageTooLongToBeRead) {
    Pixels line(pixCreate(20000, 4, 8));
    pixSetAll(line.get());
    pixSetResolution(line.get(), 100, 300);
    for (const l_int32 format : {IFF_PNG, IFF_TIFF}) {
        PageImage page = image_of(encoded(line.get(), format));
        EXPECT_EQ(pixGetWidth(page.pixels.get()), 20000);
        EXPECT_EQ(pixGetHeight(page.pixels.get()), 4);
    }
}

TEST(Tiff, PagesBehindADamageAreOneFailedPage) {
    std::string file = contents_of(data_path("pillow-robust/multipage.tiff"));
    auto found = tiff_pages(bytes_of(file));
    ASSERT_EQ(found.pages.size(), 3u);
    // The second directory's link is made to point behind the end of the file.
    Bytes bytes = bytes_of(file);
    uint64_t second = found.pages[1].offset;
    file.replace(second + 2 + 12 * uint64_t{bytes.u16(second, ByteOrder::little)}, 4, "\xf0\xff\xff\x7f");
    auto reader = open_document(DocumentType::tiff, bytes_of(file), {});
    EXPECT_EQ(reader->pages(), 3u);
    EXPECT_NO_THROW(reader->image_of(2));
    Failure failure = image_failure(file, {}, 3);
    EXPECT_EQ(failure.code, ErrorCode::page_damaged);
    EXPECT_NE(failure.message.find("broken after page 2"), std::string::npos) << failure.message;
}

}  // namespace
}  // namespace pg_ocr
