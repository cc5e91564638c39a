// The estimate of a page's right words: what it does with each sign, and what it says of real pages and of the same
// pages made bad.
#include "engine/triage/page_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/read/pixels.h"
#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

PageSigns clean_signs() { return {400, 0.95, 2, 300, 285, 0, 0.001}; }

TEST(PageEstimate, FollowsEachSign) {
    const float clean = estimate_of(clean_signs());
    EXPECT_GT(clean, 97);
    const auto falls = [&](const char* what, auto make_worse) {
        PageSigns signs = clean_signs();
        float before = clean;
        for (int step = 1; step <= 20; ++step) {
            make_worse(signs, step);
            const float now = estimate_of(signs);
            EXPECT_LE(now, before) << what << ' ' << step;
            EXPECT_GE(now, 0) << what << ' ' << step;
            before = now;
        }
        EXPECT_LT(before, clean - 2) << what;
    };
    falls("certainty", [](PageSigns& signs, int step) { signs.certainty = 0.95 - step * 0.0475; });
    falls("doubtful", [](PageSigns& signs, int step) { signs.doubtful = 20u * static_cast<uint32_t>(step); });
    falls("familiar", [](PageSigns& signs, int step) { signs.familiar = 285 - 14u * static_cast<uint32_t>(step); });
    falls("unread", [](PageSigns& signs, int step) { signs.unread = step / 20.0; });
    falls("dark", [](PageSigns& signs, int step) { signs.dark = step / 20.0; });
}

TEST(PageEstimate, IsLessSureOfFewWords) {
    const auto of_words = [](uint32_t words) { return estimate_of({words, 0.95, 0, words, words, 0, 0.001}); };
    float before = of_words(400);
    for (const uint32_t words : {100u, 20u, 5u, 1u}) {
        EXPECT_LT(of_words(words), before) << words;
        before = of_words(words);
    }
    EXPECT_LT(of_words(1), of_words(400) - 4);
    EXPECT_GT(of_words(1), 85);
}

TEST(PageEstimate, StaysWithinItsBounds) {
    for (const uint32_t words : {0u, 1u, 4000000u})
        for (const double share : {0.0, 0.5, 1.0}) {
            const float estimate = estimate_of({words, share, words, words, 0, 1 - share, share});
            EXPECT_GE(estimate, 0);
            EXPECT_LE(estimate, 100);
        }
    EXPECT_LT(estimate_of({}), 10);
    EXPECT_LT(estimate_of({300, 0.2, 300, 100, 0, 0.8, 0.5}), 2);
}

TEST(PageEstimate, OfATextLayerFollowsWhatItLeavesUncovered) {
    EXPECT_FLOAT_EQ(estimate_of_text_layer(0), 100);
    EXPECT_FLOAT_EQ(estimate_of_text_layer(0.13f), 100);  // what drawings and tables leave, which look like text
    EXPECT_FLOAT_EQ(estimate_of_text_layer(0.25f), 75);
    EXPECT_FLOAT_EQ(estimate_of_text_layer(0.5f), 50);
}

Pixels white_page(int32_t width, int32_t height) { return Pixels(pixCreate(width, height, 1)); }

void blacken(const Pixels& page, const Box& box) {
    pixRasterop(page.get(), box.left, box.top, box.right - box.left, box.bottom - box.top, PIX_SET, nullptr, 0, 0);
}

/// A line of words of 20 pixels' height, with their ink.
Layout line_of(const Pixels& page, const std::vector<Word>& words) {
    Layout layout;
    Line line;
    int32_t left = 10;
    for (Word word : words) {
        word.box = {left, 10, left + 30, 30};
        left += 40;
        blacken(page, word.box);
        line.words.push_back(word);
    }
    line.box = {10, 10, left, 30};
    layout.blocks.push_back({line.box, {line}});
    return layout;
}

TEST(PageSigns, CountWordsWithLettersOrDigits) {
    const Pixels page = white_page(400, 100);
    const Layout layout = line_of(page, {{"Grüße", {}, 90, true},
                                         {"слово", {}, 60, false},
                                         {"—", {}, 5, false},
                                         {"|»", {}, 5, true},
                                         {"4,75", {}, 80, false},
                                         {"of", {}, 70, true}});
    const PageSigns signs = signs_of(layout, page.get());
    EXPECT_EQ(signs.words, 4u);
    EXPECT_DOUBLE_EQ(signs.certainty, 0.75);
    EXPECT_EQ(signs.doubtful, 1u);
    EXPECT_EQ(signs.long_words, 2u);
    EXPECT_EQ(signs.familiar, 1u);
    EXPECT_DOUBLE_EQ(signs.unread, 0);
    EXPECT_DOUBLE_EQ(signs.dark, 0);
}

TEST(PageSigns, SeeWhatNoWordLiesOn) {
    const Pixels page = white_page(400, 100);
    const Layout layout = line_of(page, {{"abcd", {}, 90, true}, {"efgh", {}, 90, true}});
    for (int32_t left = 10; left < 90; left += 20) blacken(page, {left, 60, left + 10, 78});  // as letters
    blacken(page, {200, 60, 203, 62});                                                        // a speck
    blacken(page, {220, 40, 320, 90});                                                        // a picture
    const PageSigns signs = signs_of(layout, page.get());
    EXPECT_DOUBLE_EQ(signs.unread, 4.0 / 12);
    EXPECT_DOUBLE_EQ(signs.dark, (4 * 10 * 18 + 3 * 2 + 100 * 50) / 40000.0);
}

TEST(PageSigns, TakeLinesThatRunDownThePageForWhatTheyAre) {
    const Pixels page = white_page(100, 400);
    Line line;
    line.box = {10, 10, 30, 200};
    for (int32_t top = 10; top < 170; top += 40) line.words.push_back({"wide", {10, top, 30, top + 36}, 90, true});
    Layout layout;
    layout.blocks.push_back({line.box, {line}});
    blacken(page, {60, 10, 78, 28});  // as large as a letter is by the line's width, not by its words' heights
    blacken(page, {60, 100, 92, 132});
    EXPECT_DOUBLE_EQ(signs_of(layout, page.get()).unread, 2.0 / 18);
    blacken(page, {60, 300, 95, 335});
    EXPECT_DOUBLE_EQ(signs_of(layout, page.get()).unread, 2.0 / 18);
}

TEST(PageSigns, OfAnEmptyPageAreNone) {
    const Pixels page = white_page(50, 50);
    blacken(page, {10, 10, 20, 20});
    const PageSigns signs = signs_of({}, page.get());
    EXPECT_EQ(signs.words, 0u);
    EXPECT_DOUBLE_EQ(signs.unread, 0);
}

ReadRequest request_in(const std::string& language) {
    ReadRequest request;
    request.languages = language;
    request.text_layer = TextLayer::ignore;
    return request;
}

/// Of 100 words, how many are right: those found in the longer of text and truth.
double right_words(const std::string& truth, const std::string& text) {
    const Score score = score_of(truth, text);
    return 100.0 * static_cast<double>(score.bag_found) /
           static_cast<double>(std::max({score.bag_written, score.bag_read, size_t{1}}));
}

struct Sample {
    const char* file;
    const char* language;
};

/// How far the estimate may be from the truth.
constexpr double tolerance = 12;

class Triage : public testing::TestWithParam<Sample> {};

TEST_P(Triage, TellsHowManyWordsAreRight) {
    const Sample& sample = GetParam();
    if (!is_installed(sample.language)) GTEST_SKIP() << "the language " << sample.language << " is not installed";
    const Page page = read_file(sample.file, request_in(sample.language)).pages.at(0);
    const double right = right_words(contents_of(data_path(std::string(sample.file) + ".gt.txt")), page.text);
    EXPECT_NEAR(static_cast<double>(page.confidence), right, tolerance) << sample.file;
}

INSTANTIATE_TEST_SUITE_P(Pages, Triage,
                         testing::Values(Sample{"phototest/phototest.tif", "eng"},
                                         Sample{"phototest/phototest-rotated-180.png", "eng"},
                                         Sample{"formats/testocr.png", "eng"}, Sample{"linn/linn.png", "eng"},
                                         Sample{"edgar/edgar_image.pdf", "eng"},
                                         Sample{"tapus-fr/1912k_18_9f102_default.jpg", "fra"}));

/// The page in grey, as a PNG, with each pixel as it comes out of the function.
template <typename Change>
std::string changed(const std::string& name, Change change) {
    const std::string bytes = contents_of(data_path(name));
    const Pixels stored(pixReadMem(reinterpret_cast<const l_uint8*>(bytes.data()), bytes.size()));
    const Pixels grey(pixConvertTo8(stored.get(), 0));
    for (int32_t y = 0; y < pixGetHeight(grey.get()); ++y)
        for (int32_t x = 0; x < pixGetWidth(grey.get()); ++x) {
            l_uint32 value = 0;
            pixGetPixel(grey.get(), x, y, &value);
            pixSetPixel(grey.get(), x, y, change(value));
        }
    l_uint8* png = nullptr;
    size_t size = 0;
    pixWriteMemPng(&png, &size, grey.get(), 0);
    std::string result(reinterpret_cast<const char*>(png), size);
    lept_free(png);
    return result;
}

TEST(Triage, SendsJunkBack) {
    std::mt19937 random(1);  // the same everywhere, as the distributions are not
    const auto noisy = [&](l_uint32 value) { return random() % 100 < 25 ? 255 - value : value; };
    const std::string junk = changed("formats/testocr.png", noisy);
    const Page page = read_bytes(junk, request_in("eng")).pages.at(0);
    const double right = right_words(contents_of(data_path("formats/testocr.png.gt.txt")), page.text);
    ASSERT_LT(right, 40);
    EXPECT_LT(page.confidence, 50);  // also where no word is left: it is negative then
}

TEST(Triage, DoesNotTakeWhatIsMissingForRight) {
    // Half of the page hidden from the layout, as by a shadow: what is left is read well.
    const Page whole = read_file("phototest/phototest.tif", request_in("eng")).pages.at(0);
    const std::string bytes = contents_of(data_path("phototest/phototest.tif"));
    const Pixels page(pixReadMem(reinterpret_cast<const l_uint8*>(bytes.data()), bytes.size()));
    pixRasterop(page.get(), 300, 0, 340, 480, PIX_SET, nullptr, 0, 0);
    l_uint8* png = nullptr;
    size_t size = 0;
    pixWriteMemPng(&png, &size, page.get(), 0);
    const std::string shadowed(reinterpret_cast<const char*>(png), size);
    lept_free(png);
    const Page half = read_bytes(shadowed, request_in("eng")).pages.at(0);
    EXPECT_GT(whole.confidence, 90);
    EXPECT_LT(half.confidence, whole.confidence - 5);
}

TEST(Triage, KeepsTheMeanOfTheWordsApart) {
    const Page page = read_file("formats/testocr.png", request_in("eng")).pages.at(0);
    EXPECT_GT(page.mean_confidence, 80);
    EXPECT_NE(page.mean_confidence, page.confidence);
    const Page layer = read_file("pypdf-samples/pdflatex-4-pages.pdf").pages.at(0);
    EXPECT_LT(layer.mean_confidence, 0);
    EXPECT_FLOAT_EQ(layer.confidence, 100);
}

TEST(Triage, IsTheSameForBothRecognisers) {
    ReadRequest request = request_in("eng");
    const Page ours = read_file("phototest/phototest.tif", request).pages.at(0);
    request.providers = {"tesseract"};
    const Page theirs = read_file("phototest/phototest.tif", request).pages.at(0);
    EXPECT_NEAR(static_cast<double>(ours.confidence), static_cast<double>(theirs.confidence), 2.5);
}

}  // namespace
}  // namespace pg_ocr
