#include "document/document.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace pg_ocr {
namespace {

TEST(Document, NamesAndValuesAgreeBothWays) {
    for (Tier tier : {Tier::fast, Tier::balanced, Tier::accurate}) EXPECT_EQ(tier_of(name_of(tier)), tier);
    for (TextLayer layer : {TextLayer::automatic, TextLayer::ignore, TextLayer::only})
        EXPECT_EQ(text_layer_of(name_of(layer)), layer);
    EXPECT_EQ(name_of(TextLayer::automatic), "auto");
    EXPECT_EQ(name_of(PageSource::none), "");
    EXPECT_EQ(name_of(PageSource::text_layer), "text_layer");
    EXPECT_EQ(name_of(PageStatus::skipped), "skipped");
}

TEST(Document, AnUnknownNameIsNamedInTheError) {
    try {
        tier_of("swift");
        FAIL() << "a tier that does not exist was accepted";
    } catch (const std::invalid_argument& error) {
        EXPECT_NE(std::string(error.what()).find("\"swift\""), std::string::npos);
    }
    EXPECT_THROW(text_layer_of("automatic"), std::invalid_argument);
}

TEST(Document, EveryErrorCodeHasANameThatLeadsBackToIt) {
    for (int value = 1; value <= static_cast<int>(ErrorCode::internal_error); ++value) {
        auto code = static_cast<ErrorCode>(value);
        ErrorCode back = ErrorCode::none;
        EXPECT_FALSE(name_of(code).empty());
        EXPECT_TRUE(parse_error_code(name_of(code), back));
        EXPECT_EQ(back, code);
    }
    ErrorCode untouched = ErrorCode::page_timeout;
    EXPECT_FALSE(parse_error_code("", untouched));
    EXPECT_FALSE(parse_error_code("no_such_code", untouched));
    EXPECT_EQ(untouched, ErrorCode::page_timeout);
}

TEST(PageRanges, AreParsed) {
    EXPECT_TRUE(parse_page_ranges("").empty());
    EXPECT_EQ(parse_page_ranges("7"), (std::vector<PageRange>{{7, 7}}));
    EXPECT_EQ(parse_page_ranges("1-3,7,10-"), (std::vector<PageRange>{{1, 3}, {7, 7}, {10, 0}}));
}

TEST(PageRanges, KnowWhatTheyContain) {
    EXPECT_TRUE((PageRange{2, 4}.contains(2)));
    EXPECT_TRUE((PageRange{2, 4}.contains(4)));
    EXPECT_FALSE((PageRange{2, 4}.contains(5)));
    EXPECT_FALSE((PageRange{2, 4}.contains(1)));
    EXPECT_TRUE((PageRange{2, 0}.contains(4000000000u)));
}

class NoPageRanges : public testing::TestWithParam<const char*> {};

TEST_P(NoPageRanges, AreRefused) { EXPECT_THROW(parse_page_ranges(GetParam()), std::invalid_argument) << GetParam(); }

INSTANTIATE_TEST_SUITE_P(PageRanges, NoPageRanges,
                         testing::Values("0", "-3", "3-1", "a", "1-b", "1,,2", ",1", "1 ", "1-2-3", "4294967296", "-"));

}  // namespace
}  // namespace pg_ocr
