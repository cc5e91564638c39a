// Tesseract's instances: what is loaded for a layout, and that the layout is what it would be with all of the models.
#include "engine/layout/recognisers.h"

#include <gtest/gtest.h>
#include <tesseract/baseapi.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/read/reader.h"
#include "reading.h"

namespace pg_ocr {
namespace {

void write(std::ostream& to, const Box& box) {
    to << ' ' << box.left << ',' << box.top << ',' << box.right << ',' << box.bottom;
}

/// All that there is of a layout, a line of text for each unit.
std::string written(const std::vector<TextBlock>& blocks) {
    std::ostringstream text;
    for (const TextBlock& block : blocks) {
        text << "block " << block.quarter_turns;
        for (const LineOfUnits& line : block.lines) {
            text << "\n line";
            for (const LineUnit& unit : line.units) {
                write(text << "\n  unit", unit.box);
                if (unit.ink) write(text << " ink", *unit.ink);
                write(text, unit.crop);
                for (const Box& word : unit.words) write(text << " word", word);
                for (const Box& blob : unit.blobs) write(text, blob);
            }
        }
        text << '\n';
    }
    return text.str();
}

PageImage image_of(const std::string& page) {
    const std::string document = contents_of(data_path(page));
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    return open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
}

std::string layout_by(tesseract::TessBaseAPI& tesseract, PageImage image, int32_t mode) {
    const PageInTesseract page(tesseract, image, mode);
    return written(text_blocks_of(tesseract, mode));
}

/// As Tesseract does it for itself: with all of the models, from the page in grey.
std::string whole_layout(const std::string& languages, const std::string& page, int32_t mode = 3) {
    return layout_by(recognisers().for_languages(languages), image_of(page), mode);
}

/// As it does it for our own recogniser.
std::string layout_alone(const std::string& languages, const std::string& page, int32_t mode = 3) {
    static Recognisers layouts(tessdata_directory());  // those of the other function would do all
    PageImage image = image_of(page);
    if (pixGetDepth(image.pixels.get()) == 8) image.pixels = ink_of(image.pixels.get());
    return layout_by(layouts.layout_for(languages, mode), std::move(image), mode);
}

bool holds_settings_only(tesseract::TessBaseAPI& tesseract) {
    bool only = false;
    tesseract.GetBoolVariable("tessedit_init_config_only", &only);
    return only;
}

class LayoutIn : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!is_installed(GetParam())) GTEST_SKIP() << "no model of " << GetParam();
    }
};

TEST_P(LayoutIn, IsTheSameWithoutTheNetworkAndTheGreys) {
    for (const char* page : {"pypdf-samples/multicolumn.pdf", "formats/testocr.png"}) {
        const std::string wanted = whole_layout(GetParam(), page);
        EXPECT_FALSE(wanted.empty()) << page;
        EXPECT_EQ(layout_alone(GetParam(), page), wanted) << page;
    }
}

INSTANTIATE_TEST_SUITE_P(Languages, LayoutIn, testing::Values("eng", "deu", "fra", "hin", "ara", "chi_sim", "jpn"));

TEST(Recognisers, FindTheSameLinesInEveryMode) {
    const char* page = "phototest/phototest-rotated-180.png";
    for (int32_t mode : {1, 4, 5, 6, 11, 12}) {
        const std::string wanted = whole_layout("eng", page, mode);
        EXPECT_FALSE(wanted.empty()) << mode;
        EXPECT_EQ(layout_alone("eng", page, mode), wanted) << mode;
    }
}

TEST(Recognisers, LoadForALayoutNoMoreThanItNeeds) {
    Recognisers some(tessdata_directory());
    EXPECT_TRUE(holds_settings_only(some.layout_for("eng", 3)));
    EXPECT_TRUE(holds_settings_only(some.layout_for("eng", 3)));
    EXPECT_FALSE(holds_settings_only(some.for_languages("eng")));
    EXPECT_FALSE(holds_settings_only(some.layout_for("eng", 3))) << "what is loaded anyway was not used";
    EXPECT_FALSE(holds_settings_only(Recognisers(tessdata_directory()).layout_for("eng", 1)))
        << "scripts are told by the model's characters";
}

/// A directory of models that goes with its test.
class Tessdata {
  public:
    Tessdata() : path_(std::filesystem::path(testing::TempDir()) / ("tessdata." + std::to_string(::getpid()))) {
        std::filesystem::create_directory(path_);
    }
    ~Tessdata() { std::filesystem::remove_all(path_); }
    Tessdata(const Tessdata&) = delete;
    Tessdata& operator=(const Tessdata&) = delete;

    std::string path() const { return path_; }
    std::filesystem::path file_of(const std::string& code) const { return path_ / (code + ".traineddata"); }
    void link(const std::string& code, const std::string& to) const {
        std::filesystem::create_symlink(tessdata_directory() + "/" + to + ".traineddata", file_of(code));
    }

  private:
    std::filesystem::path path_;
};

Failure failure_to_lay_out(Recognisers& recognisers, const std::string& languages) {
    try {
        recognisers.layout_for(languages, 3);
    } catch (const DocumentError& error) {
        return error.failure;
    }
    return {};
}

TEST(Recognisers, SayWhichModelIsMissingOrDamagedAndWhy) {
    const Tessdata tessdata;
    tessdata.link("eng", "eng");
    const std::string model = contents_of(tessdata.file_of("eng"));
    std::ofstream(tessdata.file_of("cut"), std::ios::binary) << model.substr(0, model.size() / 2);
    std::ofstream(tessdata.file_of("old"), std::ios::binary) << std::string(4, '\0');  // without a network
    Recognisers some(tessdata.path());
    std::filesystem::create_symlink(tessdata.file_of("loop"), tessdata.file_of("loop"));
    std::filesystem::create_directory(tessdata.file_of("directory"));
    for (const char* languages : {"xyz", "eng+xyz", "", "eng+", "../eng", "eng/../eng", "loop", "directory"})
        EXPECT_EQ(failure_to_lay_out(some, languages).code, ErrorCode::language_missing) << languages;
    EXPECT_NE(failure_to_lay_out(some, "eng+xyz").message.find("\"xyz\" is not installed"), std::string::npos);
    for (const char* languages : {"cut", "eng+cut", "old"}) {
        const Failure failure = failure_to_lay_out(some, languages);
        EXPECT_EQ(failure.code, ErrorCode::language_missing) << languages;
        EXPECT_NE(failure.message.find("cannot be loaded: " + tessdata.path()), std::string::npos) << failure.message;
        EXPECT_NE(failure.message.find("; replace it"), std::string::npos) << failure.message;
    }
    EXPECT_EQ(failure_to_lay_out(some, "eng").code, ErrorCode::none);
}

TEST(Recognisers, ForgetModelsThatWereNotUsedForLong) {
    const Tessdata tessdata;
    Recognisers some(tessdata.path());
    for (const char* code : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
        tessdata.link(code, "eng");
        some.models().for_languages(code);
        EXPECT_EQ(some.models().for_languages("a+" + std::string(code)).size(), 2u);
    }
    for (const char* code : {"a", "b"}) std::filesystem::remove(tessdata.file_of(code));
    EXPECT_NO_THROW(some.models().for_languages("a+h"));
    EXPECT_THROW(some.models().for_languages("b"), DocumentError);
}

TEST(Recognisers, LoadALanguageOnce) {
    Recognisers few(tessdata_directory());
    auto* first = &few.for_languages("eng");
    EXPECT_EQ(&few.for_languages("eng"), first);
    for (const char* other : {"eng+eng", "eng+eng+eng", "eng+eng+eng+eng"}) few.for_languages(other);
    EXPECT_NO_THROW(few.for_languages("eng"));
}

TEST(Recognisers, SayWhichTheyAre) { EXPECT_EQ(recogniser_version().find("tesseract "), 0u); }

}  // namespace
}  // namespace pg_ocr
