#include "recognise/line_reader.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <stdexcept>

#include "reading.h"
#include "recorded_lines.h"

namespace pg_ocr::recognise {
namespace {

struct Recording {
    const char* file;
    std::vector<std::string> languages;
    size_t lines;
};

class RecordedLines : public testing::TestWithParam<Recording> {};

TEST_P(RecordedLines, AreReadAsTesseractReadsThem) {
    std::vector<Language> languages;
    languages.reserve(GetParam().languages.size());
    for (const std::string& name : GetParam().languages) languages.push_back(installed_language(name));
    std::vector<const Language*> borrowed;
    borrowed.reserve(languages.size());
    for (const Language& language : languages) borrowed.push_back(&language);
    LineReader reader(borrowed);
    const std::vector<RecordedLine> lines = recorded_lines(GetParam().file);
    EXPECT_EQ(lines.size(), GetParam().lines);
    for (const RecordedLine& line : lines) {
        size_t asked = 0;
        const std::vector<LineWord> words = read(reader, line, asked);
        EXPECT_EQ(asked, line.attempts.size());
        ASSERT_EQ(words.size(), line.words.size());
        for (size_t i = 0; i < words.size(); ++i) {
            const RecordedLine::Expected& expected = line.words[i];
            EXPECT_EQ(words[i].word.text, expected.text);
            EXPECT_EQ(words[i].word.box, expected.box) << expected.text;
            EXPECT_NEAR(words[i].word.confidence, expected.confidence, 1e-3) << expected.text;
            EXPECT_EQ(words[i].spaces_before, expected.spaces_before) << expected.text;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(, RecordedLines,
                         testing::Values(Recording{"phototest.eng.lines", {"eng"}, 8},
                                         Recording{"cosmic.eng.lines", {"eng"}, 3},
                                         Recording{"archiscribe.deu.lines", {"deu"}, 1},
                                         Recording{"tapus.fra.lines", {"fra"}, 9},
                                         Recording{"archiscribe.eng+deu.lines", {"eng", "deu"}, 1}),
                         [](const auto& recording) {
                             std::string name = recording.param.file;
                             std::erase_if(name, [](char c) { return !isalnum(c); });
                             return name;
                         });

/// Steps of which some classes have random shares: nothing that a network says, but every corner of the search.
Scores random_scores(std::mt19937& random, const Language& language) {
    Scores scores{40, language.classes, std::vector<float>(size_t{40} * language.classes)};
    for (uint32_t step = 0; step < scores.steps; ++step) {
        float* values = &scores.values[size_t{step} * language.classes];
        uint32_t left = 1000;
        for (int i = 0; i < 7 && left > 0; ++i) {
            const auto share = static_cast<uint32_t>(random() % (left + 1));
            const size_t code =
                random() % 4 == 0 ? static_cast<size_t>(language.null_code) : random() % language.classes;
            values[code] += static_cast<float>(share) / 1000;
            left -= share;
        }
    }
    return scores;
}

class RandomScores : public testing::TestWithParam<const char*> {};

TEST_P(RandomScores, AreReadAsTesseractReadsThem) {
    if (!is_installed(GetParam())) GTEST_SKIP() << "no model of " << GetParam();
    const Language language = installed_language(GetParam());
    BeamSearch search(language, {});
    std::mt19937 random(1);
    std::ifstream file(data_path(std::string("recognise/random.") + GetParam() + ".txt"));
    size_t lines = 0;
    std::string expected;
    for (float expected_rating = 0; file >> expected_rating && file.get() && std::getline(file, expected); ++lines) {
        std::string text;
        float rating = 0;
        for (const LineWord& word : words_of(search.best_path(random_scores(random, language)), language, {{}, 10})) {
            text += (text.empty() ? "" : "|") + word.word.text;
            rating += word.rating;
        }
        EXPECT_EQ(text, expected);
        EXPECT_NEAR(rating, expected_rating, 1e-3);
    }
    EXPECT_GE(lines, 40u);
}

INSTANTIATE_TEST_SUITE_P(, RandomScores, testing::Values("deu", "chi_sim"));

std::vector<LineWord> word_of_two_characters() {
    LineWord word;
    word.characters.resize(2);
    word.characters[0].box = {0, 0, 10, 40};
    word.characters[1].box = {10, 0, 20, 40};
    word.word.box = {0, 0, 20, 40};
    return {word};
}

TEST(WordBoxes, AreThoseOfBlobsAndSpecks) {
    std::vector<LineWord> words = word_of_two_characters();
    LineLayout layout;
    layout.blobs = {{2, 10, 8, 30}};
    layout.specks = {{3, 5, 5, 8}};
    fit_to_blobs(words, layout);
    EXPECT_EQ(words[0].characters[0].box, (Box{2, 5, 8, 30}));
    EXPECT_EQ(words[0].characters[1].box, (Box{10, 0, 20, 40}));
    EXPECT_EQ(words[0].word.box, (Box{2, 0, 20, 40}));
}

TEST(WordBoxes, StayWithinTheLayoutsWords) {
    std::vector<LineWord> words = word_of_two_characters();
    LineLayout layout;
    layout.words = {{0, 10, 16, 30}, {17, 10, 60, 50}};
    layout.blobs = {{11, 12, 19, 28}, {17, 12, 30, 28}};
    fit_to_blobs(words, layout);
    EXPECT_EQ(words[0].characters[0].box, (Box{0, 10, 10, 30}));
    EXPECT_EQ(words[0].characters[1].box, (Box{11, 12, 16, 28}));
    EXPECT_EQ(words[0].word.box, (Box{0, 10, 16, 30}));
}

/// Steps tell where words are, but hardly where they end: here those of the first word end too early.
TEST(WordBoxes, ReachAsFarAsTheirInkWhereItIsOfOneWord) {
    std::vector<LineWord> words = word_of_two_characters();
    words.push_back(words.front());
    words[1].characters[0].box = {30, 0, 40, 40};
    words[1].characters[1].box = {40, 0, 50, 40};
    words[1].word.box = {30, 0, 50, 40};
    LineLayout layout;
    layout.blobs = {{1, 10, 9, 30}, {11, 12, 26, 28}, {36, 11, 39, 30}, {41, 12, 55, 31}};
    layout.box = {1, 10, 55, 31};
    layout.has_whole_letters = true;
    fit_to_blobs(words, layout);
    EXPECT_EQ(words[0].word.box, (Box{1, 10, 26, 30}));
    EXPECT_EQ(words[1].word.box, (Box{36, 11, 55, 31}));
}

/// Steps are as high as the line.
TEST(WordBoxes, AreNoHigherForALetterThatTouchesTheNext) {
    std::vector<LineWord> words = word_of_two_characters();
    LineLayout layout;
    layout.blobs = {{1, 10, 19, 30}};
    layout.box = {1, 5, 19, 35};
    layout.has_whole_letters = true;
    fit_to_blobs(words, layout);
    EXPECT_EQ(words[0].word.box, (Box{1, 10, 19, 30}));
}

class PhototestLine : public testing::Test {
  protected:
    std::vector<LineWord> words() {
        LineReader reader({&language_});
        size_t asked = 0;
        return read(reader, line_, asked);
    }
    static std::string text_of(const std::vector<LineWord>& words) {
        std::string text;
        for (const LineWord& word : words) text += (text.empty() ? "" : " ") + word.word.text;
        return text;
    }
    Language language_ = installed_language("eng");
    RecordedLine line_ = recorded_lines("phototest.eng.lines").front();
};

TEST_F(PhototestLine, CharactersHaveStepsInOrderAndBoxesWithinTheirWord) {
    uint32_t next_step = 0;
    for (const LineWord& word : words()) {
        std::string text;
        for (const Character& character : word.characters) {
            EXPECT_LE(next_step, character.first_step);
            EXPECT_LE(character.first_step, character.last_step);
            next_step = character.last_step + 1;
            EXPECT_EQ(union_of(word.word.box, character.box), word.word.box);
            EXPECT_LE(word.certainty, 7 * character.certainty);
            text += character.text;
        }
        EXPECT_EQ(text, word.word.text);
    }
    EXPECT_LE(next_step, line_.attempts.front().scores.scores.steps);
}

TEST_F(PhototestLine, IsReadWithoutDictionaries) {
    language_.dictionary = {};
    EXPECT_EQ(text_of(words()), "This is a lot of 12 point text to test the");
    for (const LineWord& word : words()) EXPECT_EQ(word.source, WordSource::scores);
}

TEST_F(PhototestLine, WordsAreLookedUp) {
    const std::vector<LineWord> read = words();
    ASSERT_EQ(read.size(), 11u);
    EXPECT_EQ(read[0].source, WordSource::words) << read[0].word.text;
    EXPECT_EQ(read[5].source, WordSource::numbers) << read[5].word.text;
}

TEST_F(PhototestLine, ForbiddenCharactersAreNotRead) {
    language_.settings.forbidden = "tT";
    EXPECT_EQ(text_of(words()).find_first_of("tT"), std::string::npos);
    language_.settings.allowed_again = "t";
    EXPECT_NE(text_of(words()).find('t'), std::string::npos);
    language_.settings = {};
    language_.settings.only = "0123456789";
    EXPECT_NE(text_of(words()).find("12"), std::string::npos);
    EXPECT_EQ(text_of(words()).find_first_not_of("0123456789 "), std::string::npos);
}

TEST_F(PhototestLine, NothingInTheLayoutLeavesBoxesToTheSteps) {
    const size_t count = words().size();
    line_.layout = {};
    const std::vector<LineWord> read = words();
    ASSERT_EQ(read.size(), count);
    const Box& frame = line_.attempts.front().scores.frame.box;
    for (const LineWord& word : read) {
        EXPECT_EQ(word.word.box.top, frame.top);
        EXPECT_EQ(word.word.box.bottom, frame.bottom);
        EXPECT_LT(word.word.box.left, word.word.box.right);
    }
}

TEST_F(PhototestLine, WithoutItsImageHasNoWords) {
    LineReader reader({&language_});
    EXPECT_TRUE(reader.read(line_.layout, [](size_t) { return std::nullopt; }).empty());
}

TEST_F(PhototestLine, FirstWordHasTheLayoutsSpacesUnlessItBeginsTheRow) {
    line_.layout.spaces_before = 3;
    EXPECT_EQ(words().front().spaces_before, 0u);
    line_.layout.begins_row = false;
    EXPECT_EQ(words().front().spaces_before, 3u);
}

TEST_F(PhototestLine, ScoresOfAnotherNetworkAreRefused) {
    line_.attempts.front().scores.scores.classes -= 1;
    EXPECT_THROW(words(), std::invalid_argument);
}

TEST_F(PhototestLine, TheLanguageThatReadTheLineBeforeComesFirst) {
    // Nothing but the line's own language reads anything: the other one says that all is space.
    Language other = installed_language("deu");
    LineReader reader({&other, &language_});
    std::vector<size_t> asked;
    const auto scores_of = [&](size_t language) -> std::optional<LineScores> {
        asked.push_back(language);
        LineScores scores = line_.attempts.front().scores;
        if (language == 0) {
            scores.scores.classes = other.classes;
            scores.scores.values.assign(size_t{scores.scores.steps} * other.classes, 0);
            for (uint32_t step = 0; step < scores.scores.steps; ++step)
                scores.scores.values[size_t{step} * other.classes + other.null_code] = 1;
        }
        return scores;
    };
    line_.layout.blobs.clear();
    EXPECT_EQ(text_of(reader.read(line_.layout, scores_of)), "This is a lot of 12 point text to test the");
    EXPECT_EQ(asked, (std::vector<size_t>{0, 1}));
    asked.clear();
    reader.read(line_.layout, scores_of);
    EXPECT_EQ(asked, (std::vector<size_t>{1}));  // which is sure enough of all its words
    asked.clear();
    reader.begin_page();
    reader.read(line_.layout, scores_of);
    EXPECT_EQ(asked.front(), 0u);
}

}  // namespace
}  // namespace pg_ocr::recognise
