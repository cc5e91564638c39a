// Our own recogniser as the engine uses it; parity_test.cpp compares its text with Tesseract's.
#include <gtest/gtest.h>

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
