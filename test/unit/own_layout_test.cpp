// Our own recogniser, held to Tesseract's on the same pages: the same text on at least 99 of 100 lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

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

std::map<std::string, int> lines_of(const Reading& reading) {
    std::map<std::string, int> lines;
    std::istringstream text(reading.text());
    for (std::string line; std::getline(text, line);)
        if (!line.empty()) ++lines[line];
    return lines;
}

TEST(OwnRecogniser, ReadsTheLinesThatTesseractReads) {
    int lines = 0;
    int same = 0;
    for (const char* page :
         {"phototest/phototest.tif", "phototest/phototest-rotated-180.png", "phototest/phototest-rotated-L.png",
          "formats/testocr.png", "formats/cosmic.png", "linn/skew.pdf", "edgar/edgar_image.pdf",
          "edgar/edgar-rotated90.pdf", "pypdf-samples/pdflatex-4-pages.pdf", "pypdf-samples/multicolumn.pdf",
          "ocrmypdf-robust/typewriter.png"}) {
        std::map<std::string, int> ours = lines_of(read_by(Recogniser::own, page));
        for (const auto& [line, count] : lines_of(read_by(Recogniser::tesseract, page))) {
            lines += count;
            same += std::min(count, ours[line]);
            if (ours[line] < count) std::printf("%s differs: %s\n", page, line.c_str());
        }
    }
    ASSERT_GT(lines, 400);
    EXPECT_GE(same, lines * 99 / 100) << same << " of " << lines;
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
