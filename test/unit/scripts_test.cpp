// Pages of other scripts than Latin, of two at once, and by a model of reals: our own recogniser reads what Tesseract
// reads, and is as sure.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model_bytes.h"
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

/// The installed model's weights as reals, as Tesseract's "best" models have them, which no package holds.
std::string directory_of_real_model() {
    using namespace recognise;
    const ModelFile file = ModelFile::read(tessdata_directory() + "/eng.traineddata");
    std::map<Component, std::vector<uint8_t>> components;
    for (const Component each : {Component::words, Component::punctuation_words, Component::numbers,
                                 Component::unicharset, Component::recoder}) {
        const auto bytes = file.component(each).value();
        components[each].assign(bytes.begin(), bytes.end());
    }
    Network network = parse_network(file);
    make_real(network);
    components[Component::network] = network_bytes(network);
    const std::filesystem::path directory = std::filesystem::path(testing::TempDir()) / "pg_ocr_reals";
    std::filesystem::create_directory(directory);
    const std::vector<uint8_t> bytes = model_bytes(components);
    std::ofstream(directory / "eng.traineddata", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return directory;
}

TEST(RealModel, ReadsAsTesseractReadsWithIt) {
    const std::string directory = directory_of_real_model();
    const std::string page = contents_of(data_path("phototest/phototest.tif"));
    Recognisers of_reals(directory);
    Page pages[2];
    for (const Recogniser recogniser : {Recogniser::own, Recogniser::tesseract}) {
        ReadRequest request;
        request.providers = {std::string(name_of(recogniser))};
        Reading reading;
        read_document(reinterpret_cast<const uint8_t*>(page.data()), page.size(), request, of_reals, reading);
        pages[recogniser == Recogniser::own ? 0 : 1] = reading.pages.at(0);
    }
    std::filesystem::remove_all(directory);
    EXPECT_EQ(pages[0].text, pages[1].text);
    EXPECT_GT(pages[0].words, 50u);
    EXPECT_NEAR(pages[0].confidence, pages[1].confidence, 1e-2);
}

Page read_by(Recogniser recogniser, const std::string& languages) {
    ReadRequest request;
    request.tier = Tier::fast;  // as a page is read first
    request.providers = {std::string(name_of(recogniser))};
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
        EXPECT_FLOAT_EQ(ours.mean_confidence, theirs.mean_confidence);
    }
}

INSTANTIATE_TEST_SUITE_P(, Scripts,
                         testing::Values(Sample{"spa", "Todo ser humano", 9}, Sample{"rus", "Каждый человек", 11},
                                         Sample{"ara", "كل شخص متهم", 7}, Sample{"hin", "कोई भी व्यक्ति", 9},
                                         Sample{"chi_sim", "在", 8}, Sample{"jpn", "何", 9, false},
                                         Sample{"eng+rus", "Everyone is entitled", 9}, Sample{"ara+eng", "وفضلاً", 8}),
                         [](const auto& sample) {
                             std::string name = sample.param.languages;
                             std::ranges::replace(name, '+', '_');
                             return name;
                         });

}  // namespace
}  // namespace pg_ocr
