// Pages of other scripts than Latin, and of two at once: our own recogniser reads what Tesseract reads, and is as sure.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "reading.h"

namespace pg_ocr {
namespace {

struct Sample {
    const char* languages;
    const char* beginning;  ///< of what is read
    size_t lines;
    /// One line image differs by a row of pixels from Tesseract's: its text is the same, its confidence is not.
    bool is_as_sure = true;
};

class Scripts : public testing::TestWithParam<Sample> {};

Page read_by(Recogniser recogniser, const std::string& languages) {
    ReadRequest request;
    request.recogniser = recogniser;
    request.languages = languages;
    return read_file("scripts/" + languages + ".png", request).pages.at(0);
}

size_t lines_of(const std::string& text) {
    size_t lines = 0;
    std::istringstream from(text);
    for (std::string line; std::getline(from, line);) lines += !line.empty();
    return lines;
}

TEST_P(Scripts, AreReadAsTesseractReadsThem) {
    const Sample& sample = GetParam();
    std::istringstream codes(sample.languages);
    for (std::string code; std::getline(codes, code, '+');)
        if (!is_installed(code)) GTEST_SKIP() << "no model of " << code;
    const Page ours = read_by(Recogniser::own, sample.languages);
    const Page theirs = read_by(Recogniser::tesseract, sample.languages);
    EXPECT_EQ(ours.text, theirs.text);
    EXPECT_EQ(ours.words, theirs.words);
    EXPECT_EQ(lines_of(ours.text), sample.lines);
    EXPECT_EQ(ours.text.find(sample.beginning), 0u) << ours.text;
    if (sample.is_as_sure) {
        EXPECT_FLOAT_EQ(ours.confidence, theirs.confidence);
    }
}

INSTANTIATE_TEST_SUITE_P(, Scripts,
                         testing::Values(Sample{"spa", "Todo ser humano", 9}, Sample{"rus", "Каждый человек", 11},
                                         Sample{"ara", "كل شخص متهم", 7}, Sample{"hin", "कोई भी व्यक्ति", 9},
                                         Sample{"chi_sim", "在", 8}, Sample{"jpn", "何", 9, false},
                                         Sample{"eng+rus", "Everyone is entitled", 9}),
                         [](const auto& sample) {
                             std::string name = sample.param.languages;
                             std::ranges::replace(name, '+', '_');
                             return name;
                         });

}  // namespace
}  // namespace pg_ocr
