#include <gtest/gtest.h>

#include "engine/write/layout_json.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

Layout two_blocks() {
    Line first{{1, 2, 30, 12}, 93.06f, {{"Hello", {1, 2, 14, 12}, 96.54f}, {"world", {16, 2, 30, 12}, 80}}};
    Line second{{1, 14, 20, 24}, 50, {{"again", {1, 14, 20, 24}, 50}}};
    Line third{{1, 40, 20, 50}, 100, {{"end", {1, 40, 20, 50}, 100}}};
    return {{{{1, 2, 30, 24}, {first, second}}, {{1, 40, 20, 50}, {third}}}, {}};
}

TEST(PageText, EndsLinesAndPartsBlocks) { EXPECT_EQ(page_text(two_blocks()), "Hello world\nagain\n\nend\n"); }

TEST(PageText, OfNothingIsNothing) { EXPECT_EQ(page_text({}), ""); }

TEST(PageText, PutsNoSpacesBetweenChineseWords) {
    Line line{{}, 0, {{"日本", {}, 0}, {"語。", {}, 0}, {"OCR", {}, 0}, {"文字", {}, 0}}};
    EXPECT_EQ(page_text({{{{}, {line}}}, {}}), "日本語。 OCR 文字\n");
}

TEST(Confidence, IsWeightedByCharactersNotBytes) {
    std::vector<Word> words{{"ÄÖÜ", {}, 100}, {"x", {}, 0}};
    EXPECT_FLOAT_EQ(confidence_of(words), 75);
    EXPECT_FLOAT_EQ(confidence_of(std::vector<Word>{}), -1);
    EXPECT_FLOAT_EQ(confidence_of(Layout{}), -1);
    EXPECT_FLOAT_EQ(confidence_of(two_blocks()), (96.54f * 5 + 80 * 5 + 50 * 5 + 100 * 3) / 18);
    EXPECT_EQ(word_count(two_blocks()), 4u);
}

TEST(LayoutJson, IsAsDocumented) {
    EXPECT_EQ(layout_json(two_blocks()),
              "{\"blocks\":[{\"box\":[1,2,30,24],\"lines\":["
              "{\"box\":[1,2,30,12],\"confidence\":93.1,\"words\":["
              "{\"box\":[1,2,14,12],\"text\":\"Hello\",\"confidence\":96.5},"
              "{\"box\":[16,2,30,12],\"text\":\"world\",\"confidence\":80.0}]},"
              "{\"box\":[1,14,20,24],\"confidence\":50.0,\"words\":["
              "{\"box\":[1,14,20,24],\"text\":\"again\",\"confidence\":50.0}]}]},"
              "{\"box\":[1,40,20,50],\"lines\":[{\"box\":[1,40,20,50],\"confidence\":100.0,\"words\":["
              "{\"box\":[1,40,20,50],\"text\":\"end\",\"confidence\":100.0}]}]}]}");
    EXPECT_EQ(layout_json({}), "{\"blocks\":[]}");
}

TEST(LayoutJson, SaysWhoFoundTheLines) {
    EXPECT_EQ(layout_json({{}, {}, Recogniser::own, {}}), "{\"blocks\":[],\"lines_by\":\"pg_ocr\"}");
    EXPECT_EQ(layout_json({{}, {}, Recogniser::tesseract, "it is \"odd\""}),
              "{\"blocks\":[],\"lines_by\":\"tesseract\",\"doubt\":\"it is \\\"odd\\\"\"}");
}

std::string json_of_word(const std::string& text) {
    std::string json = layout_json({{{{}, {Line{{}, 0, {{text, {}, 0}}}}}}, {}});
    size_t begin = json.find("\"text\":") + 7;
    return json.substr(begin, json.rfind(",\"confidence\"") - begin);
}

TEST(LayoutJson, EscapesWhatJsonWantsEscaped) {
    EXPECT_EQ(json_of_word("a\"b\\c"), "\"a\\\"b\\\\c\"");
    EXPECT_EQ(json_of_word("tab\there\x1f"), "\"tab\\u0009here\\u001f\"");
    EXPECT_EQ(json_of_word("größer 日本 😀"), "\"größer 日本 😀\"");
}

TEST(LayoutJson, ReplacesWhatIsNotText) {
    EXPECT_EQ(json_of_word(std::string("a\0b", 3)), "\"a\uFFFDb\"");
    EXPECT_EQ(json_of_word("a\xff"), "\"a\uFFFD\"");
}

TEST(Utf8, KeepsWhatIsValid) {
    for (std::string text : {"", "plain", "größer", "日本語", "😀", "\x7f", "\u0080", "\u07ff", "\u0800", "\uffff"})
        EXPECT_EQ(valid_utf8(text), text);
    EXPECT_EQ(valid_utf8("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");
}

TEST(Utf8, ReplacesWhatIsNot) {
    EXPECT_EQ(valid_utf8(std::string("\0", 1)), "\uFFFD");
    EXPECT_EQ(valid_utf8("\x80"), "\uFFFD");
    EXPECT_EQ(valid_utf8("\xc3"), "\uFFFD");
    EXPECT_EQ(valid_utf8("\xc3(x"), "\uFFFD(x");
    EXPECT_EQ(valid_utf8("\xe2\x82"), "\uFFFD");
    EXPECT_EQ(valid_utf8("\xc0\x80"), "\uFFFD\uFFFD") << "an overlong NUL";
    EXPECT_EQ(valid_utf8("\xe0\x80\x80"), "\uFFFD") << "an overlong NUL of three bytes";
    EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\uFFFD") << "half of a surrogate pair";
    EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "\uFFFD") << "beyond Unicode";
    EXPECT_EQ(valid_utf8("\xf8zz"), "\uFFFDzz");
}

}  // namespace
}  // namespace pg_ocr
