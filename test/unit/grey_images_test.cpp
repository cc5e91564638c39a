// PNG and PNM straight to grey: what Leptonica's decoders give, bit by bit, sooner; and to Leptonica with all the rest.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <vector>

#include "engine/read/decode.h"
#include "engine/read/png.h"
#include "engine/read/pnm.h"
#include "png_bytes.h"
#include "reading.h"

namespace pg_ocr {
namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

Pixels sooner(DocumentType type, const std::string& file) {
    return type == DocumentType::png ? grey_of_png(bytes_of(file)) : grey_of_pnm(bytes_of(file));
}

struct Decoded {
    int32_t width = 0, height = 0, depth = 0, horizontal = 0, vertical = 0;
    std::vector<uint32_t> words;
    std::string damage;
    bool operator==(const Decoded&) const = default;
};

Decoded decoded(PIX* pixels) {
    Decoded all{
        pixGetWidth(pixels), pixGetHeight(pixels), pixGetDepth(pixels), pixGetXRes(pixels), pixGetYRes(pixels), {}, {}};
    all.words.assign(pixGetData(pixels), pixGetData(pixels) + ptrdiff_t{pixGetWpl(pixels)} * pixGetHeight(pixels));
    return all;
}

Decoded by_leptonica(DocumentType type, const std::string& file) {
    try {
        Pixels pixels = decode_image(type, bytes_of(file));
        const int32_t horizontal = pixGetXRes(pixels.get()), vertical = pixGetYRes(pixels.get());
        Decoded all = decoded(grey(std::move(pixels)).get());
        all.horizontal = horizontal;
        all.vertical = vertical;
        return all;
    } catch (const DocumentError& error) {
        Decoded nothing;
        nothing.damage = error.failure.message;
        return nothing;
    }
}

/// What the engine has of it.
Decoded by_us(DocumentType type, const std::string& file) {
    try {
        return decoded(decode_grey(type, bytes_of(file)).get());
    } catch (const DocumentError& error) {
        Decoded nothing;
        nothing.damage = error.failure.message;
        return nothing;
    }
}

class MadeImages : public testing::Test {
  protected:
    uint32_t number(uint32_t end) { return static_cast<uint32_t>(random_() % end); }
    std::string noise(size_t size) {
        std::string bytes;
        while (bytes.size() < size) bytes += static_cast<char>(random_());
        return bytes;
    }
    PngBytes png(uint8_t colour_type, uint8_t bits, uint32_t width, uint32_t height) {
        PngBytes made;
        made.width = width;
        made.height = height;
        made.bits = bits;
        made.colour_type = colour_type;
        if (colour_type == 3) made.palette = noise(size_t{3} << bits);
        for (uint32_t y = 0; y < height; ++y) made.rows += static_cast<char>(number(5)) + noise(made.row_size());
        return made;
    }

  private:
    std::mt19937 random_{7};
};

struct KindOfPng {
    uint8_t colour_type, bits;
};
constexpr KindOfPng kinds_of_png[] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1},
                                      {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};

TEST_F(MadeImages, InPngOfEveryKindAreWhatLeptonicaHasOfThem) {
    for (const auto& [colour_type, bits] : kinds_of_png)
        for (const uint32_t width : {1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100})
            for (const uint32_t height : {1, 2, 15, 16, 17, 40}) {
                PngBytes made = png(colour_type, bits, width, height);
                made.data_chunk = 1 + number(3000);
                made.level = static_cast<int32_t>(number(4));
                if (number(2) == 0)
                    made.before_data =
                        png_chunk("gAMA", noise(4)) + png_chunk("tEXt", std::string("A\0B", 3)) +
                        png_chunk("pHYs", std::string("\0\0\x2e\x23\0\0\x17\x12", 8) + static_cast<char>(number(2)));
                const std::string file = made.file();
                const Pixels pixels = sooner(DocumentType::png, file);
                ASSERT_TRUE(pixels) << "type " << +colour_type << ", " << +bits << " bits";
                EXPECT_TRUE(decoded(pixels.get()) == by_leptonica(DocumentType::png, file))
                    << "type " << +colour_type << ", " << +bits << " bits, " << width << " x " << height;
                EXPECT_TRUE(by_us(DocumentType::png, file) == decoded(pixels.get()));
            }
}

TEST_F(MadeImages, WithOpacitiesOfEveryKindAreWhatLeptonicaHasOfThem) {
    for (const uint8_t colour_type : {uint8_t{4}, uint8_t{6}}) {
        PngBytes made = png(colour_type, 8, 256, 256);
        made.rows.clear();
        const size_t size = colour_type == 4 ? 2 : 4;
        for (uint32_t opacity = 0; opacity < 256; ++opacity) {
            made.rows += '\0';
            for (uint32_t sample = 0; sample < 256; ++sample)
                made.rows += std::string(size - 1, static_cast<char>(sample)) + static_cast<char>(opacity);
        }
        const Pixels pixels = sooner(DocumentType::png, made.file());
        ASSERT_TRUE(pixels);
        EXPECT_TRUE(decoded(pixels.get()) == by_leptonica(DocumentType::png, made.file()));
    }
}

TEST_F(MadeImages, OfTwoColoursAreInkWhereTheseAreBlackAndWhite) {
    const std::string black(3, '\0'), white(3, '\xff'), grey(3, '\x80'), red("\xff\0\0", 3);
    const std::vector<std::vector<std::string>> palettes = {{black, white},       {white, black}, {black, grey},
                                                            {black, red},         {black, black}, {black, white, red},
                                                            {white, black, black}};
    for (const auto& colours : palettes) {
        PngBytes made = png(3, 1, 37, 9);
        made.palette.clear();
        for (const std::string& colour : colours) made.palette += colour;
        const Pixels pixels = sooner(DocumentType::png, made.file());
        ASSERT_TRUE(pixels);
        EXPECT_TRUE(decoded(pixels.get()) == by_leptonica(DocumentType::png, made.file()));
    }
}

TEST_F(MadeImages, ThatAreRareAreLeftToLeptonica) {
    std::vector<PngBytes> rare;
    const auto some = [&](uint8_t type, uint8_t bits) -> PngBytes& {
        return rare.emplace_back(png(type, bits, 20, 20));
    };
    some(0, 8).before_data = png_chunk("tRNS", std::string(2, '\0'));
    some(2, 8).before_data =
        png_chunk("tRNS", std::string(6, '\0')) + png_chunk("pHYs", std::string("\0\0\x2e\x23\0\0\x17\x12\1", 9));
    some(3, 8).before_data = png_chunk("tRNS", std::string(9, '\x40'));
    some(3, 1).before_data = png_chunk("tRNS", std::string(1, '\x40'));
    some(3, 4).palette.resize(30);  // with values that have no colour
    some(3, 4).palette.resize(45);
    some(3, 8).palette.clear();
    some(0, 8).before_data = png_chunk("PLTE", noise(6));
    some(2, 8).before_data = png_chunk("CRIT", "");
    some(2, 8).before_data = png_chunk("pHYs", std::string(9, '\1')) + png_chunk("pHYs", std::string(9, '\2'));
    some(2, 8).before_data = png_chunk("IHDR", noise(13));
    some(2, 8).rows[0] = 5;      // no filter
    some(2, 8).rows += '\0';     // a byte too many
    some(2, 8).rows.pop_back();  // and one too few
    some(6, 8).interlace = 1;    // of seven passes, whose rows these are not
    std::string remark = "A";
    remark.resize(9000000);
    some(0, 8).before_data = png_chunk("tEXt", remark);
    // Farther back than 256 bytes, which the header says is all.
    PngBytes& small_window = some(0, 8);
    small_window.data_header = 0x081d;
    for (int32_t i = 0; i < 5; ++i) small_window.rows += small_window.rows;
    small_window.height *= 32;
    for (size_t i = 0; i < rare.size(); ++i) {
        EXPECT_FALSE(sooner(DocumentType::png, rare[i].file())) << i;
        EXPECT_TRUE(by_us(DocumentType::png, rare[i].file()) == by_leptonica(DocumentType::png, rare[i].file())) << i;
    }
}

TEST_F(MadeImages, AskForNoMoreMemoryThanTheirBytesCanFill) {
    PngBytes made = png(6, 8, 10, 10);
    made.width = made.height = 900000;
    EXPECT_FALSE(sooner(DocumentType::png, made.file())) << "terabytes, of a file of half a kilobyte";
    EXPECT_FALSE(sooner(DocumentType::pnm, "P6 900000 900000 255 abcdef"));
    EXPECT_FALSE(sooner(DocumentType::pnm, "P3 900000 900000 255 1 2 3"));
}

TEST_F(MadeImages, WhoseDataAreInterruptedAreWhatLeptonicaHasOfThem) {
    PngBytes made = png(0, 8, 20, 20);
    made.data_chunk = 100;
    std::string file = made.file();
    const size_t second = file.find("IDAT", file.find("IDAT") + 1) - 4;
    file.insert(second, png_chunk("tEXt", std::string("A\0B", 3)));
    EXPECT_FALSE(sooner(DocumentType::png, file));
    EXPECT_TRUE(by_us(DocumentType::png, file) == by_leptonica(DocumentType::png, file));
}

/// Every bit in turn: where the faster way takes the file it has the picture that Leptonica has; else Leptonica says.
TEST_F(MadeImages, WithAnyBitTurnedAreWhatLeptonicaHasOfThem) {
    std::vector<std::pair<DocumentType, std::string>> files;
    for (const auto& [colour_type, bits] : kinds_of_png) {
        PngBytes made = png(colour_type, bits, 9, 5);
        made.before_data = png_chunk("pHYs", std::string("\0\0\x2e\x23\0\0\x17\x12\1", 9));
        made.data_chunk = 40;
        files.emplace_back(DocumentType::png, made.file());
    }
    for (const char* text :
         {"P1\n#x\n4 2\n1 0 1 0\n0 1 0 1\n", "P2\n3 2\n255\n0 1 2 30 255 7", "P3 2 1 255\n1 2 3 40 50 60",
          "P4\n12 2\nabcd", "P5 2 2\n255\nabcd", "P6\n#x\n2 1\n255\nabcdef"})
        files.emplace_back(DocumentType::pnm, text);
    uint32_t sound = 0;
    for (const auto& [type, file] : files) {
        ASSERT_TRUE(sooner(type, file)) << file;
        for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
            std::string changed = file;
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
            // What is too large is refused before.
            try {
                if (document_type(bytes_of(changed)) != type) continue;
                const ImageSize size = image_size(type, bytes_of(changed));
                if (size.width > 1000 || size.height > 1000) continue;
            } catch (const DocumentError&) {
                continue;
            }
            const Decoded theirs = by_leptonica(type, changed);
            EXPECT_TRUE(by_us(type, changed) == theirs) << file << ", bit " << bit;
            sound += theirs.damage.empty();
        }
    }
    EXPECT_GT(sound, 200u);
}

TEST_F(MadeImages, CutOffAnywhereAreWhatLeptonicaHasOfThem) {
    PngBytes made = png(2, 8, 9, 5);
    made.data_chunk = 50;
    for (const auto& [type, file] :
         {std::pair(DocumentType::png, made.file()),
          std::pair(DocumentType::pnm, std::string("P3\n2 2 255\n1 2 3 4 5 6 7 8 9 10 11 12\n")),
          std::pair(DocumentType::pnm, std::string("P4 7 5 abcde")),
          std::pair(DocumentType::pnm, std::string("P6 1 2 255 abcdef"))})
        for (size_t size = 0; size < file.size(); ++size)
            EXPECT_TRUE(by_us(type, file.substr(0, size)) == by_leptonica(type, file.substr(0, size))) << file << size;
}

TEST_F(MadeImages, InPnmOfEveryKindAreWhatLeptonicaHasOfThem) {
    for (uint32_t kind = 1; kind <= 6; ++kind)
        for (const uint32_t width : {1, 3, 4, 7, 8, 9, 31, 32, 33, 50, 100})
            for (const char* gap : {"\n", " ", "\n# made\n#\n"}) {
                constexpr uint32_t height = 7;
                std::string file =
                    'P' + std::to_string(kind) + gap + std::to_string(width) + ' ' + std::to_string(height);
                if (kind % 3 != 1) file += "\n255";
                file += '\n';
                const size_t samples = kind % 3 == 0 ? 3 * size_t{width} : width;
                if (kind == 4)
                    file += '.' + noise((width + 7) / 8 * size_t{height} - 1);
                else if (kind > 4)
                    file += noise(samples * height);
                else
                    for (size_t i = 0; i < samples * height; ++i)
                        file += std::to_string(number(kind == 1 ? 2 : 256)) + (number(2) == 0 ? " " : "\r\n\t");
                if (number(2) == 0) file += "what lies behind";
                const Pixels pixels = sooner(DocumentType::pnm, file);
                ASSERT_TRUE(pixels) << kind;
                EXPECT_TRUE(decoded(pixels.get()) == by_leptonica(DocumentType::pnm, file)) << kind << ", " << width;
            }
}

TEST_F(MadeImages, InPnmThatAreRareAreLeftToLeptonica) {
    for (const std::string file : {"P5 2 2\n3\n\1\2\3\1", "P5 2 2\n65535\nabcdefgh", "P2 2 2\n15\n1 2 3 15",
                                   "P2 2 2\n255\n1 2 3 256", "P2 2 2\n255\n1 -2 3 4", "P2 2 2\n255\n1 #\n2 3 4",
                                   "P1 2 2\n0 1 1x 0", "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\na",
                                   "P4\n8 2\r\nab", "P6 2 2\n255\nabcdefghijk", "P5 0 2\n255\nab"}) {
        EXPECT_FALSE(sooner(DocumentType::pnm, file)) << file;
        EXPECT_TRUE(by_us(DocumentType::pnm, file) == by_leptonica(DocumentType::pnm, file)) << file;
    }
}

/// Leptonica takes such pixels for spaces of the header, and says that the file is cut off.
TEST_F(MadeImages, InPbmWhoseFirstPixelsLookLikeASpaceAreRead) {
    const std::string file = "P4\n8 2\n a";
    EXPECT_FALSE(by_leptonica(DocumentType::pnm, file).damage.empty());
    const Decoded pixels = by_us(DocumentType::pnm, file);
    EXPECT_EQ(pixels.words, (std::vector<uint32_t>{0x20000000, 0x61000000}));
}

TEST(StoredImages, OfOurPagesAreWhatLeptonicaHasOfThem) {
    size_t taken = 0, left = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data_path("."))) {
        const std::string ending = entry.path().extension();
        const bool is_png = ending == ".png";
        if (!is_png && ending != ".pbm" && ending != ".pgm" && ending != ".ppm" && ending != ".pnm") continue;
        const DocumentType type = is_png ? DocumentType::png : DocumentType::pnm;
        const std::string file = contents_of(entry.path().string());
        EXPECT_TRUE(by_us(type, file) == by_leptonica(type, file)) << entry.path();
        ++(sooner(type, file) ? taken : left);
    }
    EXPECT_GT(taken, 30u);
    EXPECT_LT(left, taken / 4);
}

}  // namespace
}  // namespace pg_ocr
