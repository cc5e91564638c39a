#include "recognise/language.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <random>

#include "recorded_lines.h"

namespace pg_ocr::recognise {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes component_of(const ModelFile& file, Component component) {
    const auto bytes = file.component(component).value();
    return {bytes.begin(), bytes.end()};
}

LanguageSettings settings_of(const std::string& text) {
    return parse_settings({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

TEST(LanguageSettings, AreLinesOfNameAndValue) {
    const LanguageSettings settings = settings_of(
        "# tessedit_char_blacklist no\n\ntessedit_ocr_engine_mode\t1\r\ntessedit_char_blacklist 1\r\n"
        "tessedit_char_whitelist\t ab");
    EXPECT_EQ(settings.forbidden, "1");
    EXPECT_EQ(settings.only, "ab");
}

TEST(Unicharset, HasPropertiesOfItsCharacters) {
    const Language language = installed_language("deu");
    const auto find = [&](const std::string& text) {
        for (const Unichar& unichar : language.unicharset.unichars)
            if (unichar.text == text) return unichar;
        return Unichar{};
    };
    EXPECT_EQ(language.unicharset[space_unichar].text, " ");
    EXPECT_TRUE(find("Ö").is_upper);
    EXPECT_TRUE(find("ö").is_lower);
    EXPECT_TRUE(find("ö").is_letter);
    EXPECT_TRUE(find("7").is_digit);
    EXPECT_FALSE(find(",").is_letter);
    EXPECT_EQ(find("7").direction, Direction::european_number);
    EXPECT_EQ(find("Ö").direction, Direction::left_to_right);
    EXPECT_TRUE(language.unicharset.spaced_language);
}

TEST(Dictionary, KnowsWordsAndWhatStandsAroundThem) {
    const Language language = installed_language("eng");
    const auto is_word = [&](const std::string& text) {
        std::vector<int32_t> unichars;
        for (const char letter : text)
            for (size_t id = 0; id < language.unicharset.unichars.size(); ++id)
                if (language.unicharset.unichars[id].text == std::string(1, letter))
                    unichars.push_back(static_cast<int32_t>(id));
        return language.dictionary.has_word(language.unicharset, unichars);
    };
    EXPECT_TRUE(is_word("house"));
    EXPECT_TRUE(is_word("(house)"));
    EXPECT_TRUE(is_word("house."));
    EXPECT_FALSE(is_word("hous("));
    EXPECT_FALSE(is_word("xqzv"));
    EXPECT_FALSE(is_word("12"));
    EXPECT_FALSE(is_word("..."));
    EXPECT_FALSE(is_word(""));
}

/// Components as they might be after damage: each either refused, or good enough to read a line with.
class DamagedModel : public testing::Test {
  protected:
    void SetUp() override {
        for (const Component component : {Component::unicharset, Component::recoder, Component::punctuation_words,
                                          Component::words, Component::numbers})
            components_[component] = component_of(file_, component);
        line_ = recorded_lines("archiscribe.deu.lines").front();
    }
    /// Whether the line could be read at all.
    bool is_refused_or_reads() {
        const auto list = [&](Component component) -> std::optional<Dawg> {
            return Dawg(ModelBytes(components_[component]));
        };
        try {
            ModelBytes unicharset(components_[Component::unicharset]);
            ModelBytes recoder(components_[Component::recoder]);
            const Language language{
                .unicharset = parse_unicharset(unicharset),
                .recoder = Recoder::parse(recoder, sound_.classes),
                .dictionary = {list(Component::punctuation_words), list(Component::words), list(Component::numbers)},
                .settings = {},
                .classes = sound_.classes,
                .null_code = sound_.null_code,
                .simple_text = false};
            LineReader reader({&language});
            size_t asked = 0;
            for (const LineWord& word : read(reader, line_, asked)) EXPECT_FALSE(word.characters.empty());
            return true;
        } catch (const ModelError&) {
            return false;
        }
    }
    /// Does something to a component, asks, and takes it back.
    bool after(Component component, const std::function<void(Bytes&)>& damage) {
        Bytes& bytes = components_[component];
        const Bytes sound = bytes;
        damage(bytes);
        const bool read = is_refused_or_reads();
        bytes = sound;
        return read;
    }
    ModelFile file_ = installed_model("deu");
    Language sound_ = installed_language("deu");
    std::map<Component, Bytes> components_;
    RecordedLine line_;
};

TEST_F(DamagedModel, SoundIsRead) { EXPECT_TRUE(is_refused_or_reads()); }

TEST_F(DamagedModel, CutOffIsRefused) {
    std::mt19937 random(1);
    for (const auto& [component, bytes] : std::map(components_)) {
        for (int i = 0; i < 40; ++i) {
            // Near both ends, and anywhere; without its last line break a list of characters is whole.
            const size_t size = i < 15   ? static_cast<size_t>(i)
                                : i < 25 ? bytes.size() - 2 - static_cast<size_t>(i - 15)
                                         : random() % (bytes.size() - 1);
            EXPECT_FALSE(after(component, [&](Bytes& damaged) { damaged.resize(size); }) &&
                         component != Component::unicharset)
                << static_cast<int>(component) << " of " << size << " bytes";
        }
    }
}

TEST_F(DamagedModel, WithWrongBytesIsRefusedOrReads) {
    std::mt19937 random(2);
    for (const auto& [component, bytes] : std::map(components_)) {
        const int tries = component == Component::words ? 40 : 200;
        for (int i = 0; i < tries; ++i) {
            after(component, [&](Bytes& damaged) {
                for (size_t flips = 1 + random() % 8; flips > 0; --flips)
                    damaged[random() % damaged.size()] ^= static_cast<uint8_t>(1u << random() % 8);
            });
        }
    }
}

TEST_F(DamagedModel, WithWrongCountsIsRefusedOrReads) {
    for (const Component component :
         {Component::recoder, Component::punctuation_words, Component::words, Component::numbers}) {
        for (size_t at = 0; at < 16; ++at)
            for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff})
                after(component, [&](Bytes& damaged) { damaged[at] = static_cast<uint8_t>(value); });
    }
    for (const char* count : {"", "0", "-1", "99999999999999999999", "2000000", "117", "x"})
        EXPECT_FALSE(after(Component::unicharset, [&](Bytes& damaged) {
            const auto end = std::find(damaged.begin(), damaged.end(), '\n');
            const Bytes rest(end, damaged.end());
            damaged.assign(count, count + strlen(count));
            damaged.insert(damaged.end(), rest.begin(), rest.end());
        })) << count;
}

}  // namespace
}  // namespace pg_ocr::recognise
