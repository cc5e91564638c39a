// Pages of other scripts than Latin, of two at once, and by a model of reals: our own recogniser reads what Tesseract
// reads, and is as sure.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/layout/tesseract_layout.h"
#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/write/page_text.h"
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

/// In the same lines: those that Tesseract's layout finds.
Layout read_by(Recogniser recogniser, const std::string& page, const std::string& languages, Recognisers& of) {
    const std::string document = contents_of(data_path(page));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    PageImage image = open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
    if (recogniser == Recogniser::own) return read_in_tesseracts_lines(image, of, languages);
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(1);
    return recognise_page(of.for_languages(languages), image, 3, never);
}

TEST(RealModel, ReadsAsTesseractReadsWithIt) {
    const std::string directory = directory_of_real_model();
    Recognisers of_reals(directory);
    const Layout ours = read_by(Recogniser::own, "phototest/phototest.tif", "eng", of_reals);
    const Layout theirs = read_by(Recogniser::tesseract, "phototest/phototest.tif", "eng", of_reals);
    std::filesystem::remove_all(directory);
    EXPECT_EQ(page_text(ours), page_text(theirs));
    EXPECT_GT(word_count(ours), 50u);
    EXPECT_NEAR(confidence_of(ours), confidence_of(theirs), 1e-2);
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
    const std::string page = std::string("scripts/") + sample.languages + ".png";
    const Layout ours = read_by(Recogniser::own, page, sample.languages, recognisers());
    const Layout theirs = read_by(Recogniser::tesseract, page, sample.languages, recognisers());
    const std::string text = page_text(ours);
    EXPECT_EQ(text, page_text(theirs));
    EXPECT_EQ(word_count(ours), word_count(theirs));
    EXPECT_EQ(lines_of(text), sample.lines);
    EXPECT_EQ(text.find(sample.beginning), 0u) << text;
    if (sample.is_as_sure) {
        EXPECT_FLOAT_EQ(confidence_of(ours), confidence_of(theirs));
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
