#include "engine/read/pdf.h"

#include <gtest/gtest.h>

#include "engine/read/text_layer.h"
#include "engine/write/page_text.h"
#include "reading.h"

namespace pg_ocr {
namespace {

/// A document that is read while its bytes are kept.
struct OpenPdf {
    explicit OpenPdf(const std::string& name, ReadRequest asked = {})
        : bytes(contents_of(data_path(name))), request(std::move(asked)) {
        reader = open_pdf({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, request);
    }
    std::string bytes;
    ReadRequest request;
    std::unique_ptr<Reader> reader;
};

Failure failure_of_file(const std::string& name, const ReadRequest& request = {}) {
    return failure_of(contents_of(data_path(name)), request);
}

/// The share of words under whose box the page as rendered shows ink.
double words_on_ink(const Layout& layout, PIX* page) {
    Pixels black(pixConvertTo1(page, 160));
    double words = 0, on_ink = 0;
    for (const Block& block : layout.blocks)
        for (const Line& line : block.lines)
            for (const Word& word : line.words) {
                const Box& box = word.box;
                BOX* place = boxCreate(box.left, box.top, box.right - box.left, box.bottom - box.top);
                l_int32 count = 0;
                pixCountPixelsInRect(black.get(), place, &count, nullptr);
                boxDestroy(&place);
                words += 1;
                on_ink += count > (box.right - box.left) * (box.bottom - box.top) / 50 ? 1 : 0;
            }
    return words > 0 ? on_ink / words : 0;
}

TEST(Pdf, EncryptedAsksForItsPassword) {
    Failure none = failure_of_file("pypdf-samples/libreoffice-writer-password.pdf");
    EXPECT_EQ(none.code, ErrorCode::document_encrypted);
    EXPECT_NE(none.message.find("password =>"), std::string::npos);
    ReadRequest request;
    request.password = "wrong";
    EXPECT_EQ(failure_of_file("pypdf-samples/libreoffice-writer-password.pdf", request).code,
              ErrorCode::document_password_wrong);
    request.password = "openpassword";
    Reading reading = read_file("pypdf-samples/libreoffice-writer-password.pdf", request);
    ASSERT_EQ(reading.pages.size(), 1u);
    EXPECT_GT(reading.pages[0].words, 50u);
}

TEST(Pdf, UnreadableIsDamaged) {
    EXPECT_EQ(failure_of_file("made/broken.pdf").code, ErrorCode::document_damaged);
    EXPECT_EQ(failure_of_file("ocrmypdf-robust/invalid.pdf").code, ErrorCode::document_damaged);
    EXPECT_EQ(failure_of("%PDF-1.7\n").code, ErrorCode::document_damaged);
}

TEST(Pdf, IsRenderedAt300DotsUnlessToldOtherwise) {
    PageImage page = OpenPdf("linn/linn.pdf").reader->image_of(1);
    EXPECT_EQ(page.dpi, 300);
    EXPECT_EQ(pixGetWidth(page.pixels.get()), 2550);
    EXPECT_EQ(pixGetHeight(page.pixels.get()), 3300);
    EXPECT_EQ(pixGetDepth(page.pixels.get()), 8);
    ReadRequest request;
    request.dpi = 100;
    EXPECT_EQ(pixGetWidth(OpenPdf("linn/linn.pdf", request).reader->image_of(1).pixels.get()), 850);
}

TEST(Pdf, ThatIsTooLargeIsRenderedSmallerAndInTheEndRefused) {
    ReadRequest request;
    request.limits.page_pixels = 2000000;
    PageImage smaller = OpenPdf("linn/linn.pdf", request).reader->image_of(1);
    EXPECT_LE(static_cast<uint64_t>(pixGetWidth(smaller.pixels.get())) *
                  static_cast<uint64_t>(pixGetHeight(smaller.pixels.get())),
              request.limits.page_pixels);
    EXPECT_LT(smaller.dpi, 300);
    EXPECT_GE(smaller.dpi, 70);
    request.limits.page_pixels = 10000000;  // 8400 points square need 66.7 million at 70 dots per inch
    Reading huge = read_file("ocrmypdf-robust/hugemono.pdf", request);
    ASSERT_EQ(huge.pages.size(), 1u);
    EXPECT_EQ(huge.pages[0].failure.code, ErrorCode::page_too_large);
    EXPECT_NE(huge.pages[0].failure.message.find("8167 x 8167"), std::string::npos) << huge.pages[0].failure.message;
}

TEST(Pdf, OfASizeBeyondNumbersIsTooLarge) {
    for (const std::string& side : {"1" + std::string(30, '0'), "1" + std::string(300, '0')}) {
        std::string pdf =
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
            "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 " +
            side + " 9]>>endobj\ntrailer<</Root 1 0 R>>\n";
        Reading huge = read_bytes(pdf);
        ASSERT_EQ(huge.pages.size(), 1u);
        EXPECT_EQ(huge.pages[0].failure.code, ErrorCode::page_too_large) << huge.pages[0].failure.message;
    }
}

TEST(Pdf, ShowsFontsThatAreNotEmbedded) {
    PageImage page = OpenPdf("ocrmypdf-robust/missing_docinfo.pdf").reader->image_of(1);
    Pixels black(pixConvertTo1(page.pixels.get(), 160));
    l_int32 ink = 0;
    pixCountPixels(black.get(), &ink, nullptr);
    EXPECT_GT(ink, 1000);
}

TEST(Pdf, StoredTurnedIsShownUprightAndSaysByHowMuch) {
    OpenPdf pdf("pypdf-samples/habibi-rotated.pdf");
    EXPECT_EQ(pdf.reader->pages(), 4u);
    EXPECT_EQ(pdf.reader->image_of(1).rotation, 90);
    EXPECT_EQ(pdf.reader->image_of(2).rotation, 180);
    EXPECT_EQ(pdf.reader->image_of(3).rotation, 270);
    EXPECT_EQ(pdf.reader->image_of(4).rotation, 0);
    PageImage across = pdf.reader->image_of(1);
    EXPECT_GT(pixGetWidth(across.pixels.get()), pixGetHeight(across.pixels.get()));
}

TEST(TextLayer, ThatIsSoundIsUsed) {
    for (const char* name :
         {"pypdf-samples/pdflatex-4-pages.pdf", "pypdf-samples/multicolumn.pdf", "edgar/edgar.pdf",
          "edgar/edgar-rotated90.pdf", "ocrmypdf-robust/tagged.pdf", "ocrmypdf-robust/missing_docinfo.pdf"})
        EXPECT_TRUE(OpenPdf(name).reader->text_of(1)) << name;
}

TEST(TextLayer, ThatDoesNotCoverThePageIsNot) {
    EXPECT_FALSE(OpenPdf("made/stamped_scan.pdf").reader->text_of(1)) << "53 words of footer under a scanned page";
    EXPECT_FALSE(OpenPdf("linn/linn.pdf").reader->text_of(1)) << "no layer at all";
}

TEST(TextLayer, OfFontsWithoutUnicodeIsNot) {
    EXPECT_FALSE(OpenPdf("ocrmypdf-robust/truetype_font_nomapping.pdf").reader->text_of(1));
    EXPECT_FALSE(OpenPdf("ocrmypdf-robust/type3_font_nomapping.pdf").reader->text_of(1));
}

TEST(TextLayer, HasItsBoxesOnTheInk) {
    for (const char* name : {"pypdf-samples/multicolumn.pdf", "edgar/edgar.pdf", "edgar/edgar-rotated90.pdf",
                             "pypdf-samples/pdflatex-4-pages.pdf"}) {
        OpenPdf pdf(name);
        auto text = pdf.reader->text_of(1);
        ASSERT_TRUE(text) << name;
        PageImage page = pdf.reader->image_of(1);
        EXPECT_NEAR(text->width, pixGetWidth(page.pixels.get()), 1) << name;
        EXPECT_NEAR(text->height, pixGetHeight(page.pixels.get()), 1) << name;
        EXPECT_EQ(text->rotation, page.rotation) << name;
        EXPECT_GT(words_on_ink(text->layout, page.pixels.get()), 0.98) << name;
    }
}

TEST(TextLayer, IsReadInItsOrder) {
    auto text = OpenPdf("pypdf-samples/pdflatex-4-pages.pdf").reader->text_of(1);
    ASSERT_TRUE(text);
    EXPECT_EQ(page_text(text->layout).substr(0, 64),
              "Hello, here is some text without a meaning. This text should sho");
    EXPECT_FLOAT_EQ(confidence_of(text->layout), 100);
}

LayerWord word(const std::string& text, double left, double top, double right, double bottom, int32_t turn = 0) {
    return {text, left, top, right, bottom, turn};
}

TEST(TextLayer, GathersWordsToLinesAndLinesToBlocks) {
    Layout layout =
        layout_of({word("A", 10, 10, 30, 20), word("heading", 34, 10, 80, 20), word("A", 10, 50, 20, 60),
                   word("line", 24, 50, 50, 60), word("and", 10, 63, 30, 73), word("Column", 300, 50, 350, 60)},
                  72, {0, 0, 600, 800});
    EXPECT_EQ(page_text(layout), "A heading\n\nA line\nand\n\nColumn\n");
    ASSERT_EQ(layout.blocks.size(), 3u);
    EXPECT_EQ(layout.blocks[1].box, (Box{10, 50, 50, 73}));
}

TEST(TextLayer, GathersLinesThatRunUpThePage) {
    Layout layout =
        layout_of({word("up", 10, 90, 20, 100, 3), word("we", 10, 70, 20, 85, 3), word("go", 25, 90, 35, 100, 3)}, 144,
                  {0, 0, 600, 800});
    EXPECT_EQ(page_text(layout), "up we\ngo\n");
    EXPECT_EQ(layout.blocks[0].box, (Box{20, 140, 70, 200}));
}

TEST(TextLayer, OrdersWordsThatRunLeftward) {
    Layout layout = layout_of({word("עולם", 10, 10, 40, 20), word("שלום", 44, 10, 80, 20)}, 72, {0, 0, 100, 100});
    EXPECT_EQ(page_text(layout), "שלום עולם\n");
}

TEST(TextLayer, LeavesOutWhatLiesOutsideThePage) {
    Layout layout =
        layout_of({word("in", 10, 10, 30, 20), word("out", 700, 10, 730, 20), word("edge", 90, 40, 130, 50)}, 72,
                  {0, 0, 100, 100});
    EXPECT_EQ(word_count(layout), 2u);
    EXPECT_EQ(layout.blocks.back().lines[0].words[0].box, (Box{90, 40, 100, 50}));
}

std::vector<LayerWord> words_of(const std::string& text) {
    std::vector<LayerWord> words;
    std::string one;
    for (char c : text + ' ') {
        if (c != ' ' && c != '\n') {
            one += c;
        } else if (!one.empty()) {
            words.push_back(word(one, 0, 0, 1, 1));
            one.clear();
        }
    }
    return words;
}

TEST(GarbledText, IsToldFromSoundText) {
    for (const char* name : {"linn/linn.pdf.gt.txt", "tapus-fr/1912k_18_9f102_default.jpg.gt.txt",
                             "phototest/phototest.tif.gt.txt", "edgar/edgar.pdf.gt.txt"}) {
        std::string text = contents_of(data_path(name));
        EXPECT_FALSE(is_garbled(words_of(text))) << name;
        for (char& c : text)  // glyph numbers in place of characters, as subsets of TrueType fonts have them
            if (c > ' ') c = static_cast<char>(c - 29 > ' ' ? c - 29 : c - 29 + 94);
        EXPECT_TRUE(is_garbled(words_of(text))) << name << ": " << text.substr(0, 60);
    }
    EXPECT_FALSE(is_garbled(words_of("Contents...............................................................1")));
    EXPECT_FALSE(is_garbled(words_of("12.50 13.75 1,024 (7%) 2024-11-22")));
    EXPECT_FALSE(is_garbled(words_of("日本語の文書 Příliš žluťoučký kůň úpěl ďábelské ódy")));
    EXPECT_TRUE(is_garbled(words_of("䴀甀氀 琀椀挀漀氀 漀爀")));
    EXPECT_TRUE(is_garbled(words_of("\uFFFD\uFFFD \uE012\uE013 ab")));
}

}  // namespace
}  // namespace pg_ocr
