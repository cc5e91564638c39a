// Pages that are badly read as they are: each is made for one way of reading it again.
#include "engine/fallback/fallback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numbers>
#include <random>

#include "engine/fallback/appearance.h"
#include "engine/fallback/doubtful_lines.h"
#include "engine/layout/own_layout.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/write/page_text.h"
#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

constexpr const char* letter = "phototest/phototest.tif";

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

/// In 8 bits of grey.
Pixels page_of(const std::string& name) {
    const Pixels stored = made(pixRead(data_path(name).c_str()));
    return made(pixConvertTo8(stored.get(), 0));
}

template <typename Change>
Pixels changed(Pixels pixels, Change change) {
    for (int32_t y = 0; y < pixGetHeight(pixels.get()); ++y) {
        l_uint32* row = pixGetData(pixels.get()) + static_cast<ptrdiff_t>(y) * pixGetWpl(pixels.get());
        for (int32_t x = 0; x < pixGetWidth(pixels.get()); ++x) {
            const double grey = change(static_cast<double>(GET_DATA_BYTE(row, x)), x, y);
            SET_DATA_BYTE(row, x, static_cast<l_uint8>(std::clamp(grey, 0.0, 255.0)));
        }
    }
    return pixels;
}

Pixels skewed(const Pixels& page, float degrees) {
    const float radians = degrees * std::numbers::pi_v<float> / 180;
    return made(pixRotate(page.get(), radians, L_ROTATE_AREA_MAP, L_BRING_IN_WHITE, 0, 0));
}

/// As if a hand lay over the right half.
Pixels in_shadow(Pixels page) {
    const double middle = pixGetWidth(page.get()) / 2.0;
    return changed(std::move(page), [&](double grey, int32_t x, int32_t) {
        return grey * (1 - 0.7 / (1 + std::exp((middle - x) / 20)));
    });
}

std::string as_png(const Pixels& page, int32_t dpi = 70) {
    pixSetResolution(page.get(), dpi, dpi);
    l_uint8* png = nullptr;
    size_t size = 0;
    if (pixWriteMemPng(&png, &size, page.get(), 0) != 0) throw std::bad_alloc();
    std::string bytes(reinterpret_cast<const char*>(png), size);
    lept_free(png);
    return bytes;
}

ReadRequest request_for(Tier tier, float enough = 90) {
    ReadRequest request;
    request.tier = tier;
    request.enough = enough;
    return request;
}

Page read_page(const Pixels& page, const ReadRequest& request) { return read_bytes(as_png(page), request).pages.at(0); }

size_t readings(const Page& page) {
    size_t count = page.tried.empty() ? 1 : 0;
    for (size_t at = page.tried.find("\"way\""); at != std::string::npos; at = page.tried.find("\"way\"", at + 1))
        ++count;
    return count;
}

std::string won(const Page& page) {
    const size_t end = page.tried.find("\"won\": true");
    if (end == std::string::npos) return {};
    const std::string way = "\"way\": \"";
    const size_t begin = page.tried.rfind(way, end) + way.size();
    return page.tried.substr(begin, page.tried.find('"', begin) - begin);
}

std::string truth() { return contents_of(data_path(std::string(letter) + ".gt.txt")); }

/// The page, and what it is worth: as it is, and in tier balanced.
void expect_won(const Pixels& page, const std::string& way, double most_errors = 0.01) {
    const Page once = read_page(page, request_for(Tier::fast)), best = read_page(page, request_for(Tier::balanced));
    EXPECT_TRUE(once.tried.empty() || won(once) == "as it is") << once.tried;
    EXPECT_EQ(won(best), way) << best.tried;
    EXPECT_GT(best.confidence, once.confidence) << best.tried;
    EXPECT_LE(character_error_rate(truth(), best.text), most_errors) << best.text;
}

TEST(Fallback, SaysWhoseLayoutFoundTheLines) {
    const Pixels page = page_of(letter);
    const auto says = [](const Page& read, const std::string& what) {
        return read.layout.find(what) != std::string::npos;
    };
    const Page sure = read_page(page, request_for(Tier::balanced));
    EXPECT_TRUE(says(sure, "\"lines_by\":\"pg_ocr\"}")) << sure.layout;
    const l_int32 width = pixGetWidth(page.get()), height = pixGetHeight(page.get());
    const Pixels both(pixCreate(width + height, std::max(width, height), 8));
    pixSetAll(both.get());
    pixRasterop(both.get(), 0, 0, width, height, PIX_SRC, page.get(), 0, 0);
    const Pixels turned(pixRotateOrth(page.get(), 1));
    pixRasterop(both.get(), width, 0, height, width, PIX_SRC, turned.get(), 0, 0);
    ReadRequest request = request_for(Tier::balanced);
    request.page_segmentation_mode = 6;
    EXPECT_TRUE(says(read_page(page, request), "\"lines_by\":\"tesseract\"}"));
    EXPECT_TRUE(says(read_page(both, request_for(Tier::balanced, 0)),
                     "\"lines_by\":\"tesseract\",\"doubt\":\"lines run across the page and down it\"}"));
}

TEST(Fallback, LeavesAPageThatIsReadWell) {
    const Pixels page = page_of(letter);
    for (const Tier tier : {Tier::fast, Tier::balanced}) {
        const Page read = read_page(page, request_for(tier));
        EXPECT_TRUE(read.tried.empty()) << read.tried;
        EXPECT_EQ(read.rotation, 0);
        EXPECT_FLOAT_EQ(read.skew, 0);
    }
}

TEST(Fallback, TurnsAPageThatLies) {
    const Pixels page = page_of(letter);
    for (const int32_t degrees : {90, 180, 270}) {
        const Pixels turned = made(pixRotateOrth(page.get(), degrees / 90));
        const Page read = read_page(turned, request_for(Tier::balanced));
        EXPECT_EQ(won(read), "turned by " + std::to_string(360 - degrees)) << read.tried;
        EXPECT_EQ(read.rotation, 360 - degrees);
        EXPECT_EQ(read.width, pixGetWidth(page.get()));
        EXPECT_EQ(read.height, pixGetHeight(page.get()));
        EXPECT_EQ(read.text, read_page(page, request_for(Tier::balanced)).text);
    }
}

/// Our own layout follows lines that lean by up to six degrees.
TEST(Fallback, StraightensAPageThatIsSkewed) {
    for (const float degrees : {-10.0f, 10.0f}) {
        const Pixels page = skewed(page_of(letter), degrees);
        expect_won(page, "straightened");
        EXPECT_NEAR(read_page(page, request_for(Tier::balanced)).skew, -degrees, 0.3);
    }
}

TEST(Fallback, EvensOutAShadow) { expect_won(in_shadow(page_of(letter)), "evened"); }

TEST(Fallback, EnlargesSmallPrint) {
    constexpr float small = 0.26f;
    const Pixels page = page_of(letter);
    expect_won(made(pixScale(page.get(), small, small)), "enlarged", 0.03);
}

/// A line as in a footnote: the letters of the page are large.
Pixels with_small_line(Pixels page, const Box& line, float small) {
    BOX area{line.left, line.top - 4, line.right - line.left, line.bottom - line.top + 8, 1};
    const Pixels cut = made(pixClipRectangle(page.get(), &area, nullptr));
    const Pixels scaled = made(pixScale(cut.get(), small, small));
    pixRasterop(page.get(), area.x, area.y, area.w, area.h, PIX_SET, nullptr, 0, 0);
    pixRasterop(page.get(), area.x, area.y, pixGetWidth(scaled.get()), pixGetHeight(scaled.get()), PIX_SRC,
                scaled.get(), 0, 0);
    return page;
}

TEST(Fallback, ReadsADoubtfulLineAnew) {
    const Pixels page = with_small_line(page_of(letter), {40, 128, 560, 160}, 0.31f);
    const Page once = read_page(page, request_for(Tier::fast)),
               best = read_page(page, request_for(Tier::accurate, 100));
    EXPECT_EQ(won(best), "doubtful lines") << best.tried;
    EXPECT_GT(character_error_rate(truth(), once.text), character_error_rate(truth(), best.text)) << once.text;
    EXPECT_NE(best.text.find("and see if it works on all"), std::string::npos) << best.text;
}

/// What is read of a line, in pixels of the image that was cut out around it, enlarged one and a half times.
uint32_t read_line_as(const std::string& text, float confidence, Line& line) {
    Layout layout{{Block{line.box, {line}}}, {}};
    const PageImage page{made(pixCreate(1000, 1000, 8)), 300, 0, {}};
    const uint32_t replaced = read_doubtful_lines(layout, page, [&](PageImage&, const Treatment&) {
        const Box box{15, 15, 45, 45};
        return Layout{{Block{box, {Line{box, confidence, {{text, box, confidence, true}}}}}}, {}};
    });
    line = layout.blocks.at(0).lines.at(0);
    return replaced;
}

TEST(Fallback, ReplacesADoubtfulLineByOneThatIsSurer) {
    const Box box{100, 200, 300, 240};
    const Line doubtful{box, 50, {{"several words", box, 50, false}}};
    Line line = doubtful;
    EXPECT_EQ(read_line_as("several other words", 90, line), 1u);
    EXPECT_EQ(line.words.at(0).text, "several other words");
    const Box& placed = line.words.at(0).box;
    EXPECT_EQ(placed.left, 90);
    EXPECT_EQ(placed.top, 200);
    EXPECT_EQ(placed.right, 110);
    EXPECT_EQ(placed.bottom, 220);
    line = doubtful;
    EXPECT_EQ(read_line_as("few", 99, line), 0u);
    EXPECT_EQ(read_line_as("several other words", 54, line), 0u);
    line.confidence = 81;
    EXPECT_EQ(read_line_as("several other words", 99, line), 0u);
}

/// Approved is not enough for it.
TEST(Fallback, GoesOnInTierAccurate) {
    const Pixels page = page_of("phototest/eurotext.tif");
    EXPECT_EQ(readings(read_page(page, request_for(Tier::balanced, 85))), 1u);
    EXPECT_GT(readings(read_page(page, request_for(Tier::accurate, 85))), 1u);
}

TEST(Fallback, CombinesWhatHelped) {
    const Pixels page = skewed(in_shadow(page_of(letter)), 7);
    const Pixels lying = made(pixRotateOrth(page.get(), 2));
    const Page read = read_page(lying, request_for(Tier::balanced));
    EXPECT_EQ(read.rotation, 180) << read.tried;
    EXPECT_NEAR(read.skew, -7, 0.3) << read.tried;
    EXPECT_LE(character_error_rate(truth(), read.text), 0.01) << read.tried << read.text;
}

/// Nothing has to be done about it.
TEST(Fallback, ReadsWhiteOnBlack) {
    Pixels page = page_of(letter);
    pixInvert(page.get(), page.get());
    const Page read = read_page(page, request_for(Tier::balanced));
    EXPECT_TRUE(read.tried.empty()) << read.tried;
    EXPECT_LE(character_error_rate(truth(), read.text), 0.01) << read.text;
}

/// Where light falls on the right half of a black page, black is as bright as letters are on the left.
TEST(Fallback, InvertsABlackPageInUnevenLight) {
    Pixels page = in_shadow(page_of(letter));
    pixInvert(page.get(), page.get());
    expect_won(page, "inverted");
}

/// The models that are there read Latin letters as Cyrillic ones; the best ones do not.
TEST(Fallback, TriesTheBestModelsInTierAccurate) {
    if (!is_installed("rus")) GTEST_SKIP() << "the language rus is not installed";
    const std::filesystem::path usual = std::filesystem::path(testing::TempDir()) / "fallback_tessdata";
    std::filesystem::remove_all(usual);
    std::filesystem::create_directories(usual / "best");
    const std::filesystem::path installed = tessdata_directory();
    std::filesystem::create_symlink(installed / "rus.traineddata", usual / "eng.traineddata");
    std::filesystem::create_symlink(installed / "eng.traineddata", usual / "best" / "eng.traineddata");
    Recognisers recognisers(usual.string());
    const auto read = [&](Tier tier) {
        Reading reading;
        const std::string document = contents_of(data_path(letter));
        read_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request_for(tier),
                      recognisers, reading);
        return reading.pages.at(0);
    };
    const Page balanced = read(Tier::balanced), accurate = read(Tier::accurate);
    EXPECT_EQ(balanced.tried.find("best models"), std::string::npos) << balanced.tried;
    EXPECT_EQ(won(accurate), "best models") << accurate.tried;
    EXPECT_LE(character_error_rate(truth(), accurate.text), 0.01);
    std::filesystem::remove_all(usual);
}

/// Nothing is enough, and nothing helps: each tier spends what it has.
TEST(Fallback, StopsAtTheTiersBudget) {
    const Pixels page = in_shadow(page_of(letter));
    EXPECT_EQ(readings(read_page(page, request_for(Tier::fast, 100))), 1u);
    EXPECT_EQ(readings(read_page(page, request_for(Tier::balanced, 100))), 5u);
    const Page accurate = read_page(page, request_for(Tier::accurate, 100));
    EXPECT_GT(readings(accurate), 5u) << accurate.tried;
    EXPECT_LE(readings(accurate), 13u) << accurate.tried;
}

TEST(Fallback, LooksForNothingOnABlankPage) {
    const Pixels page = made(pixCreate(800, 600, 8));
    pixSetAll(page.get());
    EXPECT_TRUE(read_page(page, request_for(Tier::accurate)).tried.empty());
}

/// Reads nothing, in any way, and throws or takes time where told.
struct ScriptedReading {
    size_t readings = 0, throws_at = 0, late_at = 0;
    Means means(const Pixels& page) {
        return {[&page] {
                    return PageImage{made(pixCopy(nullptr, page.get())), 70, 0, {}};
                },
                [this](PageImage& image, const Treatment& treatment, Clock::time_point until) {
                    ++readings;
                    if (readings == throws_at) throw std::bad_alloc();
                    if (readings == late_at) throw TimeIsUp();
                    tesseract::TessBaseAPI& layout = recognisers().layout_for("eng", treatment.page_segmentation_mode);
                    return pg_ocr::read_page(layout, recognisers().models().for_languages("eng"), image,
                                             treatment.page_segmentation_mode, until);
                },
                false};
    }
};

const Clock::time_point never = Clock::now() + std::chrono::hours(100);

TEST(Fallback, KeepsTheFirstReadingWhenTimeIsUp) {
    const Pixels page = in_shadow(page_of(letter));
    ScriptedReading scripted;
    scripted.late_at = 2;
    const BestReading best = read_in_ways(scripted.means(page), request_for(Tier::accurate), never);
    EXPECT_EQ(scripted.readings, 2u);
    ASSERT_EQ(best.tries.size(), 2u);
    EXPECT_TRUE(best.tries[0].won);
    EXPECT_FALSE(best.tries[1].failure.empty());
    EXPECT_GT(best.reading.words, 0u);
    EXPECT_NE(tried_json(best.tries).find("\"error\": \"the page's time was up\""), std::string::npos);
}

TEST(Fallback, ThrowsWhenTimeIsUpBeforeAnythingWasRead) {
    const Pixels page = page_of(letter);
    ScriptedReading scripted;
    scripted.late_at = 1;
    EXPECT_THROW(read_in_ways(scripted.means(page), request_for(Tier::accurate), never), TimeIsUp);
}

/// What is begun may hang in a library until the worker ends the engine, and the page with it.
TEST(Fallback, BeginsNoTryThatMayNotEndInTime) {
    const Pixels page = in_shadow(page_of(letter));
    ScriptedReading scripted;
    const Means means = scripted.means(page);
    const auto slow = [&](PageImage& image, const Treatment& treatment, Clock::time_point until) {
        Layout layout = means.read(image, treatment, until);
        while (Clock::now() < until - std::chrono::milliseconds(50)) continue;
        return layout;
    };
    const BestReading best = read_in_ways({means.image_of_page, slow, false}, request_for(Tier::accurate),
                                          Clock::now() + std::chrono::seconds(2));
    EXPECT_EQ(best.tries.size(), 1u);
    EXPECT_TRUE(tried_json(best.tries).empty());
}

/// Of sixteen times the pixels, one takes sixteen times as long.
TEST(Fallback, BeginsNoLargeTryThatMayNotEndInTime) {
    constexpr float small = 0.35f;
    const Pixels page = made(pixScale(page_of(letter).get(), small, small));
    ScriptedReading scripted;
    const Means means = scripted.means(page);
    const auto slow = [&](PageImage& image, const Treatment& treatment, Clock::time_point until) {
        const Clock::time_point end = Clock::now() + std::chrono::milliseconds(300);
        Layout layout = means.read(image, treatment, until);
        while (Clock::now() < end) continue;
        return layout;
    };
    const auto tried_in = [&](std::chrono::seconds time) {
        return tried_json(
            read_in_ways({means.image_of_page, slow, false}, request_for(Tier::balanced, 100), Clock::now() + time)
                .tries);
    };
    EXPECT_EQ(tried_in(std::chrono::seconds(8)).find("enlarged"), std::string::npos);
    EXPECT_NE(tried_in(std::chrono::hours(1)).find("enlarged"), std::string::npos);
}

TEST(Fallback, EnlargesNoSpecks) {
    PageReading reading;
    reading.width = reading.height = 1000;
    const auto enlarges = [&](uint32_t pieces) {
        Appearance appearance;
        appearance.pieces = pieces;
        appearance.letters = 1000;
        appearance.letter_height = 7;
        return std::ranges::any_of(ways_for(reading, appearance, request_for(Tier::balanced), false),
                                   [](const Way& way) { return way.name == "enlarged"; });
    };
    EXPECT_TRUE(enlarges(2000));
    EXPECT_FALSE(enlarges(8000));
}

TEST(Fallback, LooksForSparseTextWhereMuchMayBeMissing) {
    const auto looks = [](float estimate) {
        PageReading reading;
        reading.estimate = estimate;
        Appearance appearance;
        appearance.letters = 1000;
        return std::ranges::any_of(ways_for(reading, appearance, request_for(Tier::balanced), false),
                                   [](const Way& way) { return way.name == "as sparse text"; });
    };
    EXPECT_TRUE(looks(60));
    EXPECT_FALSE(looks(88));
}

TEST(Fallback, GoesOnAfterATryThatFails) {
    const Pixels page = in_shadow(page_of(letter));
    ScriptedReading scripted;
    scripted.throws_at = 2;
    const BestReading best = read_in_ways(scripted.means(page), request_for(Tier::balanced), never);
    EXPECT_EQ(best.tries.size(), 5u);
    EXPECT_FALSE(best.tries[1].failure.empty());
    EXPECT_TRUE(best.tries[2].failure.empty());
}

/// A reading that is sure of two words is not better than one that has the page.
TEST(Fallback, DoesNotTakeAFewSureWordsForAPage) {
    const Pixels page = in_shadow(page_of(letter));
    ScriptedReading reads;
    const Means whole = reads.means(page);
    size_t readings = 0;
    const auto read = [&](PageImage& image, const Treatment& treatment, Clock::time_point until) {
        Layout layout = whole.read(image, treatment, until);
        if (++readings == 1) return layout;
        // Of the ink, only that of the words that are left.
        const Line first = layout.blocks.at(0).lines.at(0);
        layout = {{Block{first.box, {Line{first.box, 99, {{"This", first.words.at(0).box, 99, true}}}}}}, {}};
        pixClearAll(image.ink.get());
        return layout;
    };
    const BestReading best = read_in_ways({whole.image_of_page, read, false}, request_for(Tier::balanced), never);
    ASSERT_GT(best.tries.size(), 1u);
    EXPECT_GT(best.tries[1].estimate, best.tries[0].estimate + 1);
    EXPECT_TRUE(best.tries[0].won);
}

/// Each box, put back onto the page as it is stored, must hold the ink of its word and little else.
void expect_boxes_on_ink(const Pixels& page, const Treatment& treatment) {
    const auto read = [](PageImage& image, const Treatment& how, Clock::time_point until) {
        tesseract::TessBaseAPI& layout = recognisers().layout_for("eng", how.page_segmentation_mode);
        return pg_ocr::read_page(layout, recognisers().models().for_languages("eng"), image, how.page_segmentation_mode,
                                 until);
    };
    PageImage image{made(pixCopy(nullptr, page.get())), 70, 0, {}};
    const PageReading reading = read_as(image, treatment, read, never);
    Treatment frame;
    frame.turn = treatment.turn;
    frame.skew = treatment.skew;
    const PageImage straight = treated({made(pixCopy(nullptr, page.get())), 70, 0, {}}, frame);
    ASSERT_EQ(reading.width, pixGetWidth(straight.pixels.get()));
    ASSERT_EQ(reading.height, pixGetHeight(straight.pixels.get()));
    const Pixels ink = made(pixThresholdToBinary(straight.pixels.get(), 100));
    const Pixels rest = made(pixCopy(nullptr, ink.get()));
    uint32_t words = 0;
    for (const Block& block : reading.layout.blocks)
        for (const Line& line : block.lines)
            for (const Word& word : line.words) {
                ++words;
                const Box& box = word.box;
                ASSERT_LT(box.left, box.right);
                ASSERT_LT(box.top, box.bottom);
                BOX area{box.left, box.top, box.right - box.left, box.bottom - box.top, 1};
                const Pixels inside = made(pixClipRectangle(ink.get(), &area, nullptr));
                l_int32 black = 0;
                pixCountPixels(inside.get(), &black, nullptr);
                EXPECT_GT(black, area.w * area.h / 20) << word.text;
                // A pixel of rounding on every side.
                pixRasterop(rest.get(), box.left - 1, box.top - 1, area.w + 2, area.h + 2, PIX_CLR, nullptr, 0, 0);
            }
    EXPECT_GE(words, 55u);
    l_int32 all = 0, left = 0;
    pixCountPixels(ink.get(), &all, nullptr);
    pixCountPixels(rest.get(), &left, nullptr);
    EXPECT_LT(left, all / 50) << "of the ink lies outside of all words";
}

TEST(Fallback, PutsBoxesWhereTheWordsAreOnThePage) {
    const Pixels page = page_of(letter);
    Treatment treatment;
    expect_boxes_on_ink(page, treatment);
    treatment.enlarged = 2.3f;
    treatment.local = true;
    expect_boxes_on_ink(page, treatment);
    treatment.evened = true;
    treatment.turn = 180;
    expect_boxes_on_ink(made(pixRotateOrth(page.get(), 2)), treatment);
    treatment.turn = 90;
    treatment.skew = -5;
    treatment.page_segmentation_mode = 6;
    const Pixels lying = made(pixRotateOrth(skewed(page, 5).get(), 3));
    expect_boxes_on_ink(lying, treatment);
    treatment = {};
    treatment.inverted = true;
    Pixels black = made(pixCopy(nullptr, page.get()));
    pixInvert(black.get(), black.get());
    const PageImage white = treated({std::move(black), 70, 0, {}}, treatment);
    l_int32 same = 0;
    pixEqual(white.pixels.get(), page.get(), &same);
    EXPECT_EQ(same, 1);
}

TEST(Fallback, EnlargesWithinTheLimits) {
    Limits limits;
    EXPECT_FLOAT_EQ(possible_enlargement(3, 1000, 500, limits), 3);
    limits.page_pixels = 2000000;
    EXPECT_FLOAT_EQ(possible_enlargement(3, 1000, 500, limits), 2);
    limits.page_pixels = 100;
    EXPECT_FLOAT_EQ(possible_enlargement(3, 1000, 500, limits), 1);
    EXPECT_LE(possible_enlargement(3, 20000, 10, {}) * 20000, longest_side);
}

Block block_of(const Box& box, size_t lines, size_t words) {
    Block block{box, {}};
    for (size_t i = 0; i < lines; ++i)
        block.lines.push_back({box, 90, std::vector<Word>(words, Word{"word", box, 90, true})});
    return block;
}

TEST(Fallback, TellsColumnsOfProseFromAReceipt) {
    const Box left{0, 0, 400, 800}, right{500, 50, 900, 800}, below{0, 900, 400, 1700};
    const Layout columns{{block_of(left, 10, 6), block_of(right, 10, 6)}, {}};
    const Layout receipt{{block_of(left, 10, 4), block_of(right, 10, 1)}, {}};
    const Layout one_column{{block_of(left, 10, 6), block_of(below, 10, 6)}, {}};
    EXPECT_TRUE(has_columns_of_prose(columns));
    EXPECT_FALSE(has_columns_of_prose(receipt));
    EXPECT_FALSE(has_columns_of_prose(one_column));
}

/// Reads a word, as sure as the lines let it be that the page is read by.
BestReading read_by_lines(Tier tier, float sure_of_own, float sure_of_tesseracts, bool has_own_lines = true) {
    const Pixels page = page_of(letter);
    const Means means{[&] {
                          return PageImage{made(pixCopy(nullptr, page.get())), 70, 0, {}};
                      },
                      [&](PageImage& image, const Treatment& treatment, Clock::time_point) {
                          image.ink = made(pixThresholdToBinary(image.pixels.get(), 100));
                          const bool is_own = treatment.lines_by != LinesBy::tesseract;
                          const Box box{30, 80, 630, 370};
                          const float sure = is_own ? sure_of_own : sure_of_tesseracts;
                          Layout layout{{{box, {{box, sure, {{"word", box, sure, sure > 50}}}}}}, {}};
                          layout.lines_by = is_own && has_own_lines ? Recogniser::own : Recogniser::tesseract;
                          return layout;
                      },
                      false};
    return read_in_ways(means, request_for(tier), never);
}

TEST(Fallback, ReadsInTesseractsLinesWhereOursReadBadly) {
    const BestReading better = read_by_lines(Tier::fast, 40, 95);
    ASSERT_EQ(better.tries.size(), 2u);
    EXPECT_EQ(better.tries[1].way, "Tesseract's layout");
    EXPECT_TRUE(better.tries[1].won);
    EXPECT_EQ(better.reading.layout.lines_by, Recogniser::tesseract);
    const BestReading worse = read_by_lines(Tier::fast, 40, 20);
    ASSERT_EQ(worse.tries.size(), 2u);
    EXPECT_TRUE(worse.tries[0].won);
    EXPECT_EQ(read_by_lines(Tier::balanced, 40, 95).tries.at(1).way, "Tesseract's layout");
}

TEST(Fallback, ReadsOnceInOurLinesWhereTheyReadWellAndInTesseracts) {
    EXPECT_EQ(read_by_lines(Tier::fast, 95, 20).tries.size(), 1u);
    EXPECT_EQ(read_by_lines(Tier::fast, 40, 95, false).tries.size(), 1u);
}

/// As one block its lines would go across both columns.
TEST(Fallback, KeepsColumnsApart) {
    const Pixels column = page_of(letter);
    const int32_t width = pixGetWidth(column.get()), height = pixGetHeight(column.get());
    const Pixels page = made(pixCreate(2 * width, height, 8));
    pixSetAll(page.get());
    for (const int32_t left : {0, width}) pixRasterop(page.get(), left, 0, width, height, PIX_SRC, column.get(), 0, 0);
    const Page read = read_page(page, request_for(Tier::accurate, 100));
    EXPECT_EQ(read.tried.find("as one"), std::string::npos) << read.tried;
    EXPECT_LE(character_error_rate(truth() + truth(), read.text), 0.01) << read.text;
}

TEST(Fallback, SeesHowAPageLies) {
    const Pixels page = page_of(letter);
    const auto appearance = [](Pixels pixels) {
        PageImage image{std::move(pixels), 70, 0, {}};
        image.ink = made(pixThresholdToBinary(image.pixels.get(), 100));
        return appearance_of(image);
    };
    const Appearance upright = appearance(made(pixCopy(nullptr, page.get())));
    EXPECT_GT(upright.letters, 150u);
    EXPECT_GE(upright.pieces, upright.letters);
    EXPECT_LT(upright.pieces, 2 * upright.letters);
    EXPECT_NEAR(upright.letter_height, 18, 3);
    EXPECT_FALSE(upright.light.is_dark);
    EXPECT_LT(upright.light.shading, 0.05f);
    for (const int32_t turns : {0, 1, 2, 3}) {
        const Appearance lying = appearance(made(pixRotateOrth(page.get(), turns)));
        EXPECT_TRUE(lying.turn_is_sure) << turns;
        EXPECT_EQ(lying.turn, (4 - turns) % 4 * 90);
    }
    EXPECT_GT(appearance(in_shadow(made(pixCopy(nullptr, page.get())))).light.shading, 0.4f);
    EXPECT_NEAR(appearance(skewed(page, 7)).skew.degrees, -7, 0.2);
    Pixels black = made(pixCopy(nullptr, page.get()));
    pixInvert(black.get(), black.get());
    EXPECT_TRUE(appearance(std::move(black)).light.is_dark);
}

}  // namespace
}  // namespace pg_ocr
