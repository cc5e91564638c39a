#include "engine/pdf/stored_image.h"

#include <gtest/gtest.h>

#include "engine/read/decode.h"
#include "engine/read/pixels.h"
#include "engine/read/tiff_file.h"
#include "reading.h"

namespace pg_ocr {
namespace {

Bytes bytes_of(const std::string& file) { return {reinterpret_cast<const uint8_t*>(file.data()), file.size()}; }

std::string data_of(StoredImage image, bool raw) {
    const auto buffer = raw ? image.object.getRawStreamData() : image.object.getStreamData(qpdf_dl_all);
    return {reinterpret_cast<const char*>(buffer->getBuffer()), buffer->getSize()};
}

std::string filter_of(StoredImage image) { return image.object.getDict().getKey("/Filter").getName(); }

TEST(StoredImage, KeepsTheBytesThatPdfKnows) {
    for (const auto& [name, type, filter] :
         {std::tuple{"formats/testocr.jpg", DocumentType::jpeg, "/DCTDecode"},
          std::tuple{"ocrmypdf-robust/baiona_cmyk.jpg", DocumentType::jpeg, "/DCTDecode"},
          std::tuple{"pillow-robust/16bit.cropped.jp2", DocumentType::jpeg2000, "/JPXDecode"}}) {
        const std::string file = contents_of(data_path(name));
        QPDF pdf;
        pdf.emptyPDF();
        const StoredImage image = stored_image(pdf, type, bytes_of(file), {});
        EXPECT_EQ(filter_of(image), filter) << name;
        EXPECT_TRUE(data_of(image, true) == file) << name;
    }
}

TEST(StoredImage, WrapsACodestream) {
    const std::string file = contents_of(data_path("pillow-robust/16bit.cropped.j2k"));
    QPDF pdf;
    pdf.emptyPDF();
    const std::string stored = data_of(stored_image(pdf, DocumentType::jpeg2000, bytes_of(file), {}), true);
    EXPECT_TRUE(stored.ends_with(file));
    const ImageSize size = image_size(DocumentType::jpeg2000, bytes_of(stored));
    EXPECT_EQ(size.width, image_size(DocumentType::jpeg2000, bytes_of(file)).width);
}

/// Samples of what was stored, and of what leptonica makes of the file, with as many bits and samples to a pixel.
TEST(StoredImage, LosesNothing) {
    for (const auto& [name, type] :
         {std::pair{"formats/testocr.png", DocumentType::png}, std::pair{"formats/simple.png", DocumentType::png},
          std::pair{"formats/cosmic.png", DocumentType::png}, std::pair{"linn/linn.png", DocumentType::png},
          std::pair{"formats/simple.bmp", DocumentType::bmp}, std::pair{"formats/simple.gif", DocumentType::gif},
          std::pair{"formats/simple.webp", DocumentType::webp},
          std::pair{"ocrmypdf-robust/baiona_alpha.png", DocumentType::png}}) {
        const std::string file = contents_of(data_path(name));
        QPDF pdf;
        pdf.emptyPDF();
        StoredImage stored = stored_image(pdf, type, bytes_of(file), {});
        QPDFObjectHandle dictionary = stored.object.getDict();
        if (filter_of(stored) != "/FlateDecode") continue;
        const std::string data = data_of(stored, false);
        Pixels pixels = decode_image(type, bytes_of(file));
        if (pixGetSpp(pixels.get()) == 4) pixels.reset(pixAlphaBlendUniform(pixels.get(), 0xffffff00));
        Pixels colours(pixConvertTo32(pixels.get()));
        ASSERT_TRUE(colours);
        QPDFObjectHandle space = dictionary.getKey("/ColorSpace");
        const auto bits = static_cast<size_t>(dictionary.getKey("/BitsPerComponent").getIntValue());
        const std::string palette = space.isArray() ? space.getArrayItem(3).getStringValue() : "";
        const size_t samples = space.isName() && space.getName() == "/DeviceRGB" ? 3 : 1;
        const size_t row = (static_cast<size_t>(stored.width) * samples * bits + 7) / 8;
        ASSERT_EQ(data.size(), row * static_cast<size_t>(stored.height)) << name;
        size_t wrong = 0;
        for (int64_t y = 0; y < stored.height; ++y)
            for (int64_t x = 0; x < stored.width; ++x) {
                std::array<l_int32, 3> is{}, should{};
                for (size_t k = 0; k < 3; ++k) {
                    const size_t at = (static_cast<size_t>(x) * samples + (samples == 3 ? k : 0)) * bits;
                    const auto byte = static_cast<uint8_t>(data[static_cast<size_t>(y) * row + at / 8]);
                    const uint32_t value = (byte >> (8 - bits - at % 8)) & ((1u << bits) - 1);
                    is.at(k) = palette.empty() ? static_cast<l_int32>(value * 255 / ((1u << bits) - 1))
                                               : static_cast<uint8_t>(palette.at(size_t{3} * value + k));
                }
                pixGetRGBPixel(colours.get(), static_cast<l_int32>(x), static_cast<l_int32>(y), &should[0], &should[1],
                               &should[2]);
                wrong += is != should;
            }
        EXPECT_EQ(wrong, 0u) << name;
    }
}

TEST(StoredImage, KeepsSixteenBitsOfTiff) {
    const std::string file = contents_of(data_path("pillow-robust/12in16bit.tif"));
    const TiffPage page = tiff_pages(bytes_of(file)).pages.at(0);
    QPDF pdf;
    pdf.emptyPDF();
    const StoredImage stored = stored_tiff_page(pdf, bytes_of(file), page, {});
    QPDFObjectHandle dictionary = QPDFObjectHandle(stored.object).getDict();
    EXPECT_EQ(dictionary.getKey("/BitsPerComponent").getIntValue(), 16);
    EXPECT_EQ(dictionary.getKey("/ColorSpace").getName(), "/DeviceGray");
    const std::string data = data_of(stored, false);
    ASSERT_EQ(data.size(), 2u * page.width * page.height);
    TiffSource source{bytes_of(file)};
    TiffFile tiff = open_tiff(source, page.offset);
    std::vector<uint16_t> row(page.width);
    size_t wrong = 0;
    for (uint32_t y = 0; y < page.height; ++y) {
        ASSERT_EQ(TIFFReadScanline(tiff.get(), row.data(), y), 1);
        for (size_t x = 0; x < row.size(); ++x) {
            const size_t at = 2 * (y * row.size() + x);
            wrong += row[x] !=
                     static_cast<uint16_t>(static_cast<uint8_t>(data[at]) << 8 | static_cast<uint8_t>(data[at + 1]));
        }
    }
    EXPECT_EQ(wrong, 0u);
}

TEST(StoredImage, KeepsThePlaceOfSixteenBitsThatAreCutOff) {
    const std::string file = contents_of(data_path("pillow-robust/12in16bit.tif"));
    const TiffPage page = tiff_pages(bytes_of(file)).pages.at(0);
    constexpr size_t strip_offsets = 0x4f0a, strips = 3;
    std::string cut = file;
    std::fill_n(cut.begin() + strip_offsets, 4 * strips, '\x7f');
    QPDF pdf;
    pdf.emptyPDF();
    const std::string data = data_of(stored_tiff_page(pdf, bytes_of(cut), page, {}), false);
    ASSERT_EQ(data.size(), 2u * page.width * page.height);
    EXPECT_EQ(data.find_first_not_of('\xff'), std::string::npos);
}

}  // namespace
}  // namespace pg_ocr
