// Our own recogniser as the engine uses it: of 100 words, lines and blocks at least 99 are where Tesseract has them.
// parity_test.cpp compares its text with Tesseract's.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <sstream>

#include "engine/layout/tesseract_layout.h"
#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/write/page_text.h"
#include "reading.h"

namespace pg_ocr {
namespace {

PageImage image_of(const std::string& page) {
    const std::string document = contents_of(data_path(page));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    return open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
}

/// A page, once by each recogniser.
struct Layouts {
    std::string page;
    Layout ours, theirs;
};

Layouts layouts_of(const std::string& page, PageImage& image, int32_t mode, const std::string& language = "eng") {
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(1);
    PageImage again;
    again.pixels.reset(pixClone(image.pixels.get()));
    again.dpi = image.dpi;
    Layouts layouts{page, read_in_tesseracts_lines(image, recognisers(), language, mode), {}};
    layouts.theirs = recognise_page(recognisers().for_languages(language), again, mode, never);
    return layouts;
}

std::string told(const Box& box) {
    std::ostringstream text;
    text << box.left << ' ' << box.top << ' ' << box.right << ' ' << box.bottom;
    return text.str();
}

/// What two readings of pages have in common.
struct Agreement {
    int all = 0;
    int same = 0;
    void add(const std::string& page, const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
        std::map<std::string, int> found;
        for (const std::string& each : ours) ++found[each];
        for (const std::string& each : theirs) {
            ++all;
            if (found[each]-- > 0)
                ++same;
            else
                std::printf("%s differs: %s\n", page.c_str(), each.c_str());
        }
    }
    double share() const { return all == 0 ? 0 : static_cast<double>(same) / all; }
};

template <typename Tell>
void add_all(Agreement& agreement, const Layouts& layouts, Tell tell) {
    std::vector<std::string> ours, theirs;
    tell(layouts.ours, ours);
    tell(layouts.theirs, theirs);
    agreement.add(layouts.page, ours, theirs);
}

void tell_words(const Layout& layout, std::vector<std::string>& told_words) {
    for (const Block& block : layout.blocks)
        for (const Line& line : block.lines)
            for (const Word& word : line.words) told_words.push_back(word.text + ' ' + told(word.box));
}

void tell_boxes(const Layout& layout, std::vector<std::string>& boxes) {
    for (const Block& block : layout.blocks) {
        boxes.push_back("block " + told(block.box));
        for (const Line& line : block.lines) boxes.push_back("line " + told(line.box));
    }
}

TEST(OwnRecogniser, ReadsWordsWhereTesseractReadsThem) {
    Agreement words, boxes;
    for (const char* page :
         {"phototest/phototest-rotated-L.png", "linn/skew.pdf", "edgar/edgar_image.pdf", "edgar/edgar-rotated90.pdf",
          "pypdf-samples/pdflatex-4-pages.pdf", "pypdf-samples/multicolumn.pdf", "ocrmypdf-robust/typewriter.png"}) {
        PageImage image = image_of(page);
        const Layouts layouts = layouts_of(page, image, 3);
        add_all(words, layouts, tell_words);
        add_all(boxes, layouts, tell_boxes);
    }
    ASSERT_GT(words.all, 2500);
    EXPECT_GE(words.share(), 0.99) << words.same << " of " << words.all;
    EXPECT_GE(boxes.share(), 0.995) << boxes.same << " of " << boxes.all;
}

/// Of such letters most dots are no blobs to the layout.
TEST(OwnRecogniser, ReadsArabicWordsWhereTesseractReadsThem) {
    if (!is_installed("ara")) GTEST_SKIP() << "no model of Arabic";
    Agreement words, boxes;
    PageImage image = image_of("scripts/ara.png");
    const Layouts layouts = layouts_of("scripts/ara.png", image, 3, "ara");
    add_all(words, layouts, tell_words);
    add_all(boxes, layouts, tell_boxes);
    EXPECT_GE(words.share(), 0.9) << words.same << " of " << words.all;
    EXPECT_GE(boxes.share(), 0.99) << boxes.same << " of " << boxes.all;
}

void expect_the_same(const Layouts& layouts, int32_t mode) {
    const auto told_all = [](const Layout& layout) {
        std::vector<std::string> all;
        tell_words(layout, all);
        tell_boxes(layout, all);
        return all;
    };
    EXPECT_EQ(told_all(layouts.ours), told_all(layouts.theirs)) << layouts.page << " in mode " << mode;
    EXPECT_EQ(confidence_of(layouts.ours), confidence_of(layouts.theirs)) << layouts.page << " in mode " << mode;
    EXPECT_FALSE(layouts.ours.blocks.empty()) << layouts.page << " in mode " << mode;
}

TEST(OwnRecogniser, ReadsTheSameInEveryMode) {
    const char* const page = "phototest/phototest.tif";
    const char* const turned_page = "phototest/phototest-rotated-R.png";
    const char* const line = "archiscribe-de/bub_gb_niZMAAAAcAAJ_37d3baec.png";
    const char* const word = "formats/simple.png";
    for (const auto& [mode, name] : {std::pair{1, turned_page},
                                     {4, page},
                                     {5, turned_page},
                                     {6, page},
                                     {7, line},
                                     {7, word},
                                     {8, word},
                                     {8, line},
                                     {9, word},
                                     {10, word},
                                     {11, page},
                                     {12, turned_page},
                                     {13, line}}) {
        PageImage image = image_of(name);
        expect_the_same(layouts_of(name, image, mode), mode);
    }
}

/// To the layout, a letter alone is two lines: the letter, and what its hole looks like.
TEST(OwnRecogniser, KeepsOneLineWhereTheImageShowsOne) {
    const PageImage page = image_of("phototest/phototest.tif");
    for (BOX letter : {BOX{137, 94, 23, 26, 1}, BOX{173, 94, 20, 26, 1}})
        for (int32_t mode : {7, 8, 10, 13}) {
            PageImage image;
            image.pixels.reset(pixClipRectangle(page.pixels.get(), &letter, nullptr));
            image.dpi = page.dpi;
            const Layouts layouts = layouts_of("a letter", image, mode);
            expect_the_same(layouts, mode);
            EXPECT_EQ(word_count(layouts.ours), 1u) << "mode " << mode;
        }
}

TEST(OwnRecogniser, IsAsSureAsTesseract) {
    PageImage image = image_of("phototest/phototest.tif");
    const Layouts layouts = layouts_of("phototest/phototest.tif", image, 3);
    EXPECT_EQ(word_count(layouts.ours), word_count(layouts.theirs));
    EXPECT_FLOAT_EQ(confidence_of(layouts.ours), confidence_of(layouts.theirs));
}

TEST(OwnRecogniser, ReadsSeveralLanguages) {
    if (!is_installed("fra")) GTEST_SKIP() << "no model of French";
    PageImage image = image_of("phototest/phototest.tif");
    const Layouts layouts = layouts_of("phototest/phototest.tif", image, 3, "fra+eng");
    EXPECT_EQ(page_text(layouts.ours), page_text(layouts.theirs));
}

TEST(OwnRecogniser, MindsItsTime) {
    ReadRequest request;
    request.providers = {"pg_ocr"};
    request.limits.page_time_ms = 1;
    EXPECT_EQ(failure_of(contents_of(data_path("ocrmypdf-robust/typewriter.png")), request).code,
              ErrorCode::page_timeout);
}

}  // namespace
}  // namespace pg_ocr
