#include "engine/read_document.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/read/pixels.h"
#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

std::vector<uint32_t> page_numbers(const Reading& reading) {
    std::vector<uint32_t> numbers;
    for (const Page& page : reading.pages) numbers.push_back(page.page_no);
    return numbers;
}

ReadRequest request_for(const std::string& pages, std::vector<uint32_t> done = {}) {
    ReadRequest request;
    request.pages = parse_page_ranges(pages);
    request.done = std::move(done);
    return request;
}

constexpr const char* four_pages = "pypdf-samples/pdflatex-4-pages.pdf";

TEST(ReadDocument, TellsWhatItOpensThenEachPageInOrder) {
    Reading reading = read_file(four_pages);
    EXPECT_EQ(reading.info.type, "PDF");
    EXPECT_EQ(reading.info.pages, 4u);
    EXPECT_EQ(reading.info.selected, 4u);
    EXPECT_EQ(page_numbers(reading), (std::vector<uint32_t>{1, 2, 3, 4}));
    EXPECT_EQ(reading.started, page_numbers(reading));
}

TEST(ReadDocument, ReadsTheSelectedPagesThatAreNotDone) {
    Reading reading = read_file(four_pages, request_for("3-,1,9", {3}));
    EXPECT_EQ(reading.info.selected, 3u);
    EXPECT_EQ(page_numbers(reading), (std::vector<uint32_t>{1, 4}));
    Reading rest = read_file(four_pages, request_for("", {1, 2, 3, 4}));
    EXPECT_EQ(rest.info.selected, 4u);
    EXPECT_TRUE(rest.pages.empty());
}

TEST(ReadDocument, SaysHowManyPagesThereAreWhereNoneIsSelected) {
    Failure failure = failure_of(contents_of(data_path(four_pages)), request_for("5-9"));
    EXPECT_EQ(failure.code, ErrorCode::no_pages_selected);
    EXPECT_NE(failure.message.find("1 to 4"), std::string::npos) << failure.message;
}

TEST(ReadDocument, RefusesTooManyPages) {
    ReadRequest request;
    request.limits.pages = 3;
    Failure failure = failure_of(contents_of(data_path(four_pages)), request);
    EXPECT_EQ(failure.code, ErrorCode::too_many_pages);
    EXPECT_NE(failure.message.find("4 pages"), std::string::npos) << failure.message;
    request.limits.pages = 4;
    EXPECT_FALSE(failure_of(contents_of(data_path(four_pages)), request));
}

TEST(ReadDocument, NamesALanguageThatIsMissing) {
    for (const char* languages : {"xyz", "eng+xyz", "", "eng+", "../eng", "eng/../eng"}) {
        ReadRequest request;
        request.languages = languages;
        Failure failure = failure_of(contents_of(data_path("formats/simple.png")), request);
        EXPECT_EQ(failure.code, ErrorCode::language_missing) << languages;
    }
    ReadRequest request;
    request.languages = "eng+xyz";
    EXPECT_NE(failure_of(contents_of(data_path("formats/simple.png")), request).message.find("\"xyz\""),
              std::string::npos);
}

TEST(ReadDocument, SaysWhereTheTextCameFrom) {
    ReadRequest request = request_for("1");
    Page layer = read_file(four_pages, request).pages.at(0);
    EXPECT_EQ(layer.source, PageSource::text_layer);
    EXPECT_FLOAT_EQ(layer.confidence, 100);
    request.text_layer = TextLayer::ignore;
    Page ocr = read_file(four_pages, request).pages.at(0);
    EXPECT_EQ(ocr.source, PageSource::ocr);
    EXPECT_LT(character_error_rate(layer.text, ocr.text), 0.02);  // measured: see the accuracy tests
    EXPECT_EQ(ocr.width, layer.width);
    EXPECT_EQ(ocr.height, layer.height);
}

TEST(ReadDocument, SkipsPagesWithoutALayerWhereOnlyLayersAreWanted) {
    ReadRequest request;
    request.text_layer = TextLayer::only;
    for (const char* name : {"formats/simple.png", "linn/linn.pdf", "phototest/phototest.tif"}) {
        Reading reading = read_file(name, request);
        ASSERT_EQ(reading.pages.size(), 1u) << name;
        EXPECT_EQ(reading.pages[0].status, PageStatus::skipped) << name;
        EXPECT_EQ(reading.pages[0].source, PageSource::none) << name;
        EXPECT_EQ(reading.pages[0].failure.code, ErrorCode::no_text_layer) << name;
        EXPECT_EQ(reading.text(), "") << name;
    }
}

TEST(ReadDocument, GoesOnAfterAPageThatFails) {
    Reading reading = read_file("pillow-robust/crash-2020-10-test.tif");
    EXPECT_EQ(reading.pages.size(), reading.info.pages);
    for (const Page& page : reading.pages) {
        EXPECT_EQ(page.status, PageStatus::failed);
        EXPECT_EQ(page.failure.code, ErrorCode::page_damaged);
    }
    ReadRequest request;
    request.limits.page_pixels = 150;  // pages of 10 x 10, 10 x 10 and 20 x 20
    Reading mixed = read_file("pillow-robust/multipage.tiff", request);
    ASSERT_EQ(mixed.pages.size(), 3u);
    EXPECT_EQ(mixed.pages[1].status, PageStatus::read);
    EXPECT_EQ(mixed.pages[2].failure.code, ErrorCode::page_too_large);
}

TEST(ReadDocument, LimitsThePagesWordsAndText) {
    const Reading whole = read_file(four_pages);
    ASSERT_GT(whole.pages[0].words, whole.pages[3].words);
    ReadRequest request;
    request.limits.page_words = whole.pages[3].words;
    Reading fewer_words = read_file(four_pages, request);
    EXPECT_EQ(fewer_words.pages[0].failure.code, ErrorCode::too_much_text);
    EXPECT_NE(fewer_words.pages[0].failure.message.find("pg_ocr.max_page_words"), std::string::npos);
    EXPECT_TRUE(fewer_words.pages[0].text.empty());
    EXPECT_EQ(fewer_words.pages[3].text, whole.pages[3].text);
    request.limits = {};
    request.limits.page_text = whole.pages[3].text.size();
    Reading less_text = read_file(four_pages, request);
    EXPECT_EQ(less_text.pages[0].failure.code, ErrorCode::too_much_text);
    EXPECT_NE(less_text.pages[0].failure.message.find("pg_ocr.max_page_text"), std::string::npos);
    EXPECT_EQ(less_text.pages[3].text, whole.pages[3].text);
}

TEST(ReadDocument, StopsByItselfWhenTimeIsUp) {
    const std::string scan = contents_of(data_path("ocrmypdf-robust/typewriter.png"));
    const Reading whole = read_bytes(scan);
    ReadRequest request;
    request.limits.page_time_ms = 1;
    request.limits.document_time_ms = 100000;
    EXPECT_EQ(failure_of(scan, request).code, ErrorCode::page_timeout);
    request.limits.page_time_ms = 100000;
    request.limits.document_time_ms = 1;
    EXPECT_EQ(failure_of(scan, request).code, ErrorCode::document_timeout);
    request.limits.document_time_ms = 100000;
    EXPECT_EQ(read_bytes(scan, request).text(), whole.text());
}

TEST(ReadDocument, EndsOnLoops) {
    EXPECT_EQ(read_file("pillow-robust/multipage_single_frame_loop.tiff").pages.size(), 1u);
    EXPECT_EQ(read_file("pillow-robust/multipage_multiple_frame_loop.tiff").pages.size(), 2u);
}

TEST(ReadDocument, RefusesWhatIsNoDocument) {
    EXPECT_EQ(failure_of("").code, ErrorCode::document_empty);
    EXPECT_EQ(failure_of("just text").code, ErrorCode::document_unsupported);
    EXPECT_EQ(failure_of(contents_of(data_path("pillow-robust/oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif"))).code,
              ErrorCode::document_damaged);
}

TEST(ReadDocument, KeepsTheLayoutUnlessTheTierIsFast) {
    Page page = read_file("formats/simple.png").pages.at(0);
    EXPECT_EQ(page.layout.find("{\"blocks\":[{\"box\":["), 0u) << page.layout;
    EXPECT_NE(page.layout.find("\"text\":\"Tesseract.js\""), std::string::npos) << page.layout;
    EXPECT_EQ(page.words, 1u);
    ReadRequest request;
    request.tier = Tier::fast;
    Page fast = read_file("formats/simple.png", request).pages.at(0);
    EXPECT_EQ(fast.layout, "");
    EXPECT_EQ(fast.text, page.text);
    EXPECT_EQ(fast.words, 1u);
}

Pixels picture_of(const Page& page) {
    Pixels pixels(pixReadMem(reinterpret_cast<const l_uint8*>(page.picture.data()), page.picture.size()));
    return Pixels(pixels ? pixConvertTo8(pixels.get(), 0) : nullptr);
}

TEST(ReadDocument, KeepsAPictureOfThePageAsItWasReadWhereAsked) {
    ReadRequest request;
    EXPECT_EQ(read_file("phototest/phototest.tif", request).pages.at(0).picture, "");
    request.debug = true;
    const Page page = read_file("phototest/phototest.tif", request).pages.at(0);
    const Page turned = read_file("phototest/phototest-rotated-180.png", request).pages.at(0);
    EXPECT_EQ(turned.rotation, 180);
    const Pixels picture = picture_of(page), upright = picture_of(turned);
    ASSERT_TRUE(picture && upright);
    EXPECT_EQ(pixGetWidth(picture.get()), page.width * 150 / page.dpi);
    ASSERT_EQ(pixGetWidth(picture.get()), pixGetWidth(upright.get()));
    ASSERT_EQ(pixGetHeight(picture.get()), pixGetHeight(upright.get()));
    l_float32 difference = 255;
    pixCompareGray(picture.get(), upright.get(), L_COMPARE_ABS_DIFF, 0, nullptr, &difference, nullptr, nullptr);
    EXPECT_LT(difference, 5);  // of 255; upside down it would be 39
}

TEST(ReadDocument, KeepsWhatShowsHowAPageWasReadInEveryWay) {
    ReadRequest request;
    request.debug = true;
    const Page layer = read_file(four_pages, request).pages.at(0);
    EXPECT_EQ(layer.source, PageSource::text_layer);
    const Pixels picture = picture_of(layer);
    ASSERT_TRUE(picture);
    EXPECT_EQ(pixGetWidth(picture.get()), layer.width / 2);
    EXPECT_EQ(pixGetHeight(picture.get()), layer.height / 2);
    request.tier = Tier::fast;
    const Page fast = read_file("formats/simple.png", request).pages.at(0);
    EXPECT_NE(fast.layout, "");
    EXPECT_NE(fast.picture, "");
    request.text_layer = TextLayer::only;
    EXPECT_EQ(read_file("formats/simple.png", request).pages.at(0).picture, "");
}

TEST(ReadDocument, SaysNothingOfAnEmptyPage) {
    Page page = read_file("ocrmypdf-robust/no_contents.pdf").pages.at(0);
    EXPECT_EQ(page.status, PageStatus::read);
    EXPECT_EQ(page.text, "");
    EXPECT_LT(page.confidence, 0);
    EXPECT_EQ(page.words, 0u);
    EXPECT_EQ(page.layout, "{\"blocks\":[],\"lines_by\":\"pg_ocr\"}");
}

TEST(ReadDocument, ReadsAPageTheSameWhateverCameBefore) {
    Page first = read_file("formats/testocr.png").pages.at(0);
    read_file("phototest/phototest-rotated-180.png");
    Page again = read_file("formats/testocr.png").pages.at(0);
    EXPECT_EQ(again.layout, first.layout);
}

TEST(ReadDocument, ReadsPagesThatLieUpsideDownOrOnTheirSide) {
    std::string truth = contents_of(data_path("phototest/phototest.tif.gt.txt"));
    for (const char* name : {"phototest-rotated-180.png", "phototest-rotated-L.png", "phototest-rotated-R.png"}) {
        Page page = read_file(std::string("phototest/") + name).pages.at(0);
        EXPECT_LT(character_error_rate(truth, page.text), 0.01) << name;  // measured: 0
    }
    EXPECT_EQ(read_file("phototest/phototest-rotated-180.png").pages.at(0).rotation, 180);
}

TEST(ReadDocument, StraightensWhereAsked) {
    ReadRequest request;
    request.dpi = 100;
    request.tier = Tier::fast;
    Page crooked = read_file("linn/skew.pdf", request).pages.at(0);
    request.deskew = true;
    Page straight = read_file("linn/skew.pdf", request).pages.at(0);
    std::string truth = contents_of(data_path("linn/linn.pdf.gt.txt"));
    EXPECT_LT(character_error_rate(truth, straight.text), character_error_rate(truth, crooked.text));
    EXPECT_FLOAT_EQ(crooked.skew, 0);
    EXPECT_GT(std::abs(straight.skew), 0.5f);
}

}  // namespace
}  // namespace pg_ocr
