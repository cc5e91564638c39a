#include "recognise/beam_search.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "model_bytes.h"
#include "recognise/words.h"

namespace pg_ocr::recognise {
namespace {

Unicharset set_of(const std::string& lines) {
    ModelBytes from({reinterpret_cast<const uint8_t*>(lines.data()), lines.size()});
    return parse_unicharset(from);
}

Recoder recoder_of(const std::vector<uint8_t>& bytes) {
    ModelBytes from(bytes);
    return Recoder::parse(from, 6);
}

/// Space, a, b, 中, which has two codes, and, as in real models, the null by a name.
Language small_language() {
    const std::vector<uint8_t> codes = recoder_bytes({{0}, {1}, {2}, {3, 4}, {5}});
    return {.unicharset = set_of("5\nNULL 0 Common 0\na 3 Latin 1\nb 3 Latin 2\n中 1 Han 3\n|Broken|0|1 f Common 4\n"),
            .recoder = recoder_of(codes),
            .dictionary = {},
            .settings = {},
            .classes = 6,
            .null_code = 5,
            .simple_text = false};
}

/// Scores in which a step is sure of one class, or says what each is worth.
Scores scores_of(const std::vector<std::vector<float>>& steps) {
    Scores scores{static_cast<uint32_t>(steps.size()), 6, {}};
    for (const std::vector<float>& step : steps) scores.values.insert(scores.values.end(), step.begin(), step.end());
    return scores;
}
std::vector<float> sure_of(int code) {
    std::vector<float> step(6, 0.002f);
    step[code] = 0.99f;
    return step;
}
Scores sure_of_all(std::initializer_list<int> codes) {
    std::vector<std::vector<float>> steps;
    for (const int code : codes) steps.push_back(sure_of(code));
    return scores_of(steps);
}

std::string text_of(const Language& language, const Scores& scores) {
    std::string text;
    for (const LineWord& word : words_of(BeamSearch(language, {}).best_path(scores), language, {{}, 10}))
        text += (text.empty() ? "" : "|") + word.word.text;
    return text;
}

TEST(BeamSearch, FoldsEqualClassesAndDropsNulls) {
    const Language language = small_language();
    EXPECT_EQ(text_of(language, sure_of_all({5, 1, 1, 5, 1, 2, 2, 5})), "aab");
    EXPECT_EQ(text_of(language, sure_of_all({1, 0, 2})), "a|b");
    EXPECT_EQ(text_of(language, sure_of_all({5, 5, 5})), "");
    EXPECT_EQ(text_of(language, scores_of({})), "");
}

TEST(BeamSearch, KeepsEqualClassesOfSimpleText) {
    Language language = small_language();
    language.simple_text = true;
    EXPECT_EQ(text_of(language, sure_of_all({1, 1, 2})), "aab");
}

TEST(BeamSearch, JoinsTheCodesOfACharacter) {
    const Language language = small_language();
    EXPECT_EQ(text_of(language, sure_of_all({3, 4})), "中");
    EXPECT_EQ(text_of(language, sure_of_all({5, 3, 3, 5, 4, 4, 5})), "中");
}

TEST(BeamSearch, NeverEndsWithinACharacter) {
    EXPECT_EQ(text_of(small_language(), sure_of_all({1, 5, 3})).find("中"), std::string::npos);
}

TEST(BeamSearch, CharactersOfScriptsWithoutSpacesAreWordsOfTheirOwn) {
    EXPECT_EQ(text_of(small_language(), sure_of_all({3, 4, 5, 3, 4, 1, 2, 3, 4})), "中|中|ab|中");
}

TEST(BeamSearch, WordsOfTheDictionaryBeginAnywhereInSuchScripts) {
    Language language = small_language();
    const std::vector<uint8_t> words = dawg_bytes(3, {{3, true, false, 1}, {3, true, true, 0}});
    language.dictionary = {std::nullopt, Dawg(ModelBytes(words)), std::nullopt};
    EXPECT_EQ(text_of(language, sure_of_all({3, 4, 5, 3, 4, 5, 3, 4, 5, 3, 4})), "中中|中中");
}

TEST(BeamSearch, CodesOfNoCharacterAreNotRead) {
    Language language = small_language();
    language.recoder = recoder_of(recoder_bytes({{0}, {1}, {5}, {5}, {5}, {2}}));
    EXPECT_EQ(text_of(language, sure_of_all({1, 5, 2, 5, 1})).find('b'), std::string::npos);
}

TEST(Words, TheLongerOneOfTheDictionaryTheLessCertainNeedItBe) {
    Language language = small_language();
    const std::vector<uint8_t> words = dawg_bytes(3, {{1, true, false, 1}, {2, true, true, 2}, {1, true, false, 1}});
    language.dictionary = {std::nullopt, Dawg(ModelBytes(words)), std::nullopt};
    const std::vector<float> a{0, 0.7f, 0, 0, 0.3f, 0}, b{0, 0, 0.7f, 0, 0.3f, 0};
    const auto read = [&](const std::vector<std::vector<float>>& steps) {
        return words_of(BeamSearch(language, {}).best_path(scores_of(steps)), language, {{}, 10}).at(0);
    };
    const LineWord longer = read({a, b, a, b, a, b}), shorter = read({a, b});
    EXPECT_EQ(longer.word.text, "ababab");
    EXPECT_EQ(longer.source, WordSource::words);
    EXPECT_FLOAT_EQ(longer.certainty, shorter.certainty);
    EXPECT_TRUE(longer.is_accepted);
    EXPECT_FALSE(shorter.is_accepted);
}

TEST(Words, CharactersMeetHalfwayBetweenTheirSteps) {
    const Language language = small_language();
    const LineFrame frame{{100, 20, 300, 60}, 2.5f};
    const auto path = BeamSearch(language, {}).best_path(sure_of_all({5, 1, 5, 5, 5, 2, 5}));
    const auto words = words_of(path, language, frame);
    ASSERT_EQ(words.size(), 1u);
    ASSERT_EQ(words[0].characters.size(), 2u);
    EXPECT_EQ(words[0].characters[0].box, (Box{100, 20, 108, 60}));  // steps 0 to 3
    EXPECT_EQ(words[0].characters[1].box, (Box{107, 20, 118, 60}));  // steps 3 to 7
    EXPECT_EQ(words[0].word.box, (Box{100, 20, 118, 60}));
}

TEST(BeamSearch, ScriptNoneHasNoSpacesInAModelThatLacksAScriptWithout) {
    EXPECT_FALSE(small_language().unicharset.spaced_language);
    const Unicharset set = set_of("3\nNULL 0 Common 0\na 3 Latin 1\nb 3 NULL 2\n");
    EXPECT_TRUE(set.spaced_language);
    EXPECT_TRUE(set[1].spaced_script);
    EXPECT_FALSE(set[2].spaced_script);
}

TEST(BeamSearch, ATransitionIsShared) {
    // Half of a step is the null's, half is a letter's: together they are nearly sure of it.
    const Language language = small_language();
    const auto path =
        BeamSearch(language, {})
            .best_path(scores_of({{0.001f, 0.5f, 0.001f, 0.001f, 0.001f, 0.496f}, sure_of(1), sure_of(5)}));
    const auto words = words_of(path, language, {{}, 1});
    ASSERT_EQ(words.size(), 1u);
    EXPECT_EQ(words[0].word.text, "a");
    EXPECT_GT(words[0].word.confidence, 90);
}

TEST(BeamSearch, ATransitionIsSharedByThreeWhereOneLetterBecomesAnother) {
    const Language language = small_language();
    for (const float of_a : {0.47f, 0.5f}) {
        const std::vector<float> both{0.0005f, of_a, 0.97f - of_a, 0.0005f, 0.001f, 0.028f};
        const auto path = BeamSearch(language, {}).best_path(scores_of({sure_of(1), both, sure_of(2), sure_of(5)}));
        const auto words = words_of(path, language, {{}, 1});
        ASSERT_EQ(words.size(), 1u);
        EXPECT_EQ(words[0].word.text, "ab");
        EXPECT_GT(words[0].word.confidence, 90);
    }
}

TEST(BeamSearch, TakesLesserCodesWhereTheBestGoOnNowhere) {
    Language language = small_language();
    // Without one for the null.
    language.recoder = recoder_of(recoder_bytes({{0}, {1}, {2}, {3, 4}}));
    for (const int like_b : {0, 3, 4})
        for (const float of_b : {0.01f, 0.02f}) {
            // What was best in a step before is of no account.
            std::vector<float> a{0.001f, 0.9f, 0.04f, 0.001f, 0.001f, 0.001f};
            a[like_b] = 0.04f;
            const std::vector<float> none{0.0001f, 0.0002f, of_b, 0.0003f, 0.6f, 0.38f};
            EXPECT_EQ(text_of(language, scores_of({a, none})), "ab") << like_b;
        }
}

TEST(BeamSearch, PrefersWordsOfTheDictionary) {
    Language language = small_language();
    const Scores unsure = scores_of({sure_of(1),
                                     {0.001f, 0.5f, 0.4f, 0.001f, 0.001f, 0.097f},
                                     sure_of(5),
                                     {0.001f, 0.55f, 0.4f, 0.001f, 0.001f, 0.047f},
                                     sure_of(5)});
    EXPECT_EQ(text_of(language, unsure), "aa");
    // The words are "ab" and "abb"; what stands around them is nothing.
    const std::vector<uint8_t> words = dawg_bytes(3, {{1, true, false, 1}, {2, true, true, 2}, {2, true, true, 0}});
    const std::vector<uint8_t> punctuation = dawg_bytes(3, {{0, true, true, 0}});
    language.dictionary = {Dawg(ModelBytes(punctuation)), Dawg(ModelBytes(words)), std::nullopt};
    EXPECT_EQ(text_of(language, unsure), "ab");
}

TEST(BeamSearch, ScoresThatAreNoNumbersEndInNoWords) {
    const Language language = small_language();
    Scores scores = sure_of_all({1, 2, 3, 4});
    for (float& value : scores.values) value = std::numeric_limits<float>::quiet_NaN();
    EXPECT_NO_THROW(text_of(language, scores));
    for (float& value : scores.values) value = std::numeric_limits<float>::infinity();
    EXPECT_NO_THROW(text_of(language, scores));
    for (float& value : scores.values) value = 0;
    EXPECT_NO_THROW(text_of(language, scores));
}

TEST(BeamSearch, RefusesScoresOfOtherClasses) {
    const Language language = small_language();
    EXPECT_THROW(BeamSearch(language, {}).best_path({1, 5, std::vector<float>(5)}), std::invalid_argument);
    EXPECT_THROW(BeamSearch(language, {}).best_path({2, 6, std::vector<float>(6)}), std::invalid_argument);
}

TEST(Dictionary, PunctuationIsWholeAndEndsAWord) {
    const Unicharset set = small_language().unicharset;
    // The words "a" and "aa", and what stands around them: "b" on both sides.
    const std::vector<uint8_t> words = dawg_bytes(3, {{1, true, true, 1}, {1, true, true, 0}});
    const std::vector<uint8_t> punctuation =
        dawg_bytes(3, {{2, true, false, 1}, {0, true, false, 2}, {2, true, true, 0}});
    const Dictionary dictionary(Dawg(ModelBytes(punctuation)), Dawg(ModelBytes(words)), std::nullopt);
    const auto is_word = [&](std::vector<int32_t> unichars) { return dictionary.has_word(set, unichars); };
    EXPECT_TRUE(is_word({2, 1, 2}));
    EXPECT_TRUE(is_word({2, 1, 1, 2}));
    EXPECT_FALSE(is_word({2, 1}));
    EXPECT_FALSE(is_word({2, 1, 1}));
    EXPECT_FALSE(is_word({2, 1, 2, 1}));
}

TEST(Recoder, RefusesCodesWithoutAClass) {
    const auto parse = [](const std::vector<std::vector<int32_t>>& codes) { return recoder_of(recoder_bytes(codes)); };
    EXPECT_NO_THROW(parse({{0}, {5}}));
    EXPECT_THROW(parse({{0}, {6}}), ModelError);
    EXPECT_THROW(parse({{0}, {-1}}), ModelError);
    EXPECT_THROW(parse({{0}, {}}), ModelError);
    EXPECT_THROW(parse({{0}, std::vector<int32_t>(10, 1)}), ModelError);
    EXPECT_THROW(parse({{1}}), ModelError);
    EXPECT_THROW(parse({}), ModelError);
}

TEST(Dawg, RefusesEdgesThatLeadNowhere) {
    const auto parse = [](const std::vector<WrittenEdge>& edges) {
        const std::vector<uint8_t> bytes = dawg_bytes(3, edges);
        return Dawg(ModelBytes(bytes));
    };
    EXPECT_NO_THROW(parse({{1, false, false, 1}, {2, true, true, 0}}));
    EXPECT_THROW(parse({{1, false, false, 2}, {2, true, true, 0}}), ModelError);
    EXPECT_THROW(parse({{1, true, false, 1}, {2, false, true, 0}}), ModelError);
    EXPECT_THROW(parse({}), ModelError);
}

TEST(Dawg, FindsEdgesOfAnyNode) {
    const std::vector<uint8_t> bytes = dawg_bytes(
        3, {{1, false, false, 3}, {2, false, true, 0}, {4, true, false, 3}, {2, false, true, 0}, {1, true, true, 0}});
    const Dawg dawg{ModelBytes(bytes)};
    EXPECT_EQ(dawg.find(first_node, 1, false), 0);
    EXPECT_EQ(dawg.find(first_node, 1, true), no_edge);
    EXPECT_EQ(dawg.find(first_node, 2, true), 1);
    EXPECT_EQ(dawg.find(first_node, 3, false), no_edge);
    EXPECT_EQ(dawg.find(first_node, 4, false), 2);
    EXPECT_EQ(dawg.find(dawg.behind(2), 1, true), 4);
    EXPECT_EQ(dawg.find(dawg.behind(2), 4, false), no_edge);
    EXPECT_EQ(dawg.behind(4), no_edge);
}

}  // namespace
}  // namespace pg_ocr::recognise
