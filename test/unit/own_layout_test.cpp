// Our own recogniser as the engine uses it: of 100 words, lines and blocks at least 99 are where Tesseract has them.
// parity_test.cpp compares its text with Tesseract's.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <sstream>

#include "engine/layout/own_layout.h"
#include "engine/layout/tesseract_layout.h"
#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "reading.h"

namespace pg_ocr {
namespace {

Reading read_by(Recogniser recogniser, const std::string& page, const std::string& languages = "eng") {
    ReadRequest request;
    request.recogniser = recogniser;
    request.languages = languages;
    request.text_layer = TextLayer::ignore;
    return read_file(page, request);
}

/// A document's first page, once by each recogniser.
struct Layouts {
    std::string page;
    Layout ours, theirs;
};

Layouts layouts_of(const std::string& page) {
    constexpr int32_t finding_blocks = 3;
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(1);
    const std::string document = contents_of(data_path(page));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    const std::unique_ptr<Reader> reader = open_document(document_type(bytes), bytes, ReadRequest{});
    PageImage first = reader->image_of(1), second = reader->image_of(1);
    tesseract::TessBaseAPI& layout = recognisers().layout_for("eng", finding_blocks);
    Layouts layouts{
        page, read_page(layout, recognisers().models().for_languages("eng"), first, finding_blocks, never), {}};
    layouts.theirs = recognise_page(recognisers().for_languages("eng"), second, finding_blocks, never);
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
        const Layouts layouts = layouts_of(page);
        add_all(words, layouts, tell_words);
        add_all(boxes, layouts, tell_boxes);
    }
    ASSERT_GT(words.all, 2500);
    EXPECT_GE(words.share(), 0.99) << words.same << " of " << words.all;
    EXPECT_GE(boxes.share(), 0.995) << boxes.same << " of " << boxes.all;
}

TEST(OwnRecogniser, IsAsSureAsTesseract) {
    const char* page = "phototest/phototest.tif";
    const Page ours = read_by(Recogniser::own, page).pages.at(0);
    const Page theirs = read_by(Recogniser::tesseract, page).pages.at(0);
    EXPECT_EQ(ours.words, theirs.words);
    EXPECT_FLOAT_EQ(ours.confidence, theirs.confidence);
}

TEST(OwnRecogniser, ReadsSeveralLanguages) {
    if (!is_installed("fra")) GTEST_SKIP() << "no model of French";
    const char* page = "phototest/phototest.tif";
    EXPECT_EQ(read_by(Recogniser::own, page, "fra+eng").text(), read_by(Recogniser::tesseract, page, "fra+eng").text());
}

TEST(OwnRecogniser, MindsItsTime) {
    ReadRequest request;
    request.recogniser = Recogniser::own;
    request.limits.page_time_ms = 1;
    EXPECT_EQ(failure_of(contents_of(data_path("formats/simple.png")), request).code, ErrorCode::page_timeout);
}

}  // namespace
}  // namespace pg_ocr
