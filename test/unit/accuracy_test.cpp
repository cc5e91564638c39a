// Character error rates of real pages against their ground truth. The bounds lie a little above what was measured with
// Tesseract 5.3.0 and its fast models, so that a loss of accuracy anywhere between bytes and text fails here.
#include <gtest/gtest.h>

#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

struct Sample {
    const char* file;
    const char* language;
    double bound;  ///< and what was measured
};

class Accuracy : public testing::TestWithParam<Sample> {};

TEST_P(Accuracy, IsKept) {
    const Sample& sample = GetParam();
    if (!is_installed(sample.language)) GTEST_SKIP() << "the language " << sample.language << " is not installed";
    ReadRequest request;
    request.languages = sample.language;
    request.text_layer = TextLayer::ignore;
    std::string truth = contents_of(data_path(std::string(sample.file) + ".gt.txt"));
    EXPECT_LE(character_error_rate(truth, read_file(sample.file, request).text()), sample.bound) << sample.file;
}

INSTANTIATE_TEST_SUITE_P(
    Pages, Accuracy,
    testing::Values(Sample{"phototest/phototest.tif", "eng", 0.005},              // 0.0000
                    Sample{"formats/testocr.png", "eng", 0.005},                  // 0.0000
                    Sample{"formats/testocr.jpg", "eng", 0.005},                  // 0.0000
                    Sample{"formats/testocr.pbm", "eng", 0.005},                  // 0.0000
                    Sample{"formats/simple.webp", "eng", 0.005},                  // 0.0000
                    Sample{"formats/simple.gif", "eng", 0.005},                   // 0.0000
                    Sample{"formats/simple.bmp", "eng", 0.005},                   // 0.0000
                    Sample{"formats/simple-90.jpg", "eng", 0.005},                // 0.0000, by its EXIF data
                    Sample{"formats/cosmic.png", "eng", 0.005},                   // 0.0000
                    Sample{"phototest/phototest-rotated-180.png", "eng", 0.005},  // 0.0000, turned; 0.82 as it is
                    Sample{"phototest/phototest-rotated-L.png", "eng", 0.005},    // 0.0000, turned; 0.82 as it is
                    Sample{"phototest/phototest-rotated-R.png", "eng", 0.005},    // 0.0000
                    Sample{"linn/linn.pdf", "eng", 0.02},                         // 0.0096, the truth is weak
                    Sample{"linn/rotated_skew.pdf", "eng", 0.03},                 // 0.0098, straightened; 0.40 as it is
                    Sample{"linn/skew.pdf", "eng", 0.03},                         // 0.0098, straightened; 0.40 as it is
                    Sample{"tapus-fr/1912k_18_9f102_default.jpg", "fra", 0.03},   // 0.0143, a photographed typescript
                    Sample{"archiscribe-de/bub_gb_niZMAAAAcAAJ_37d3baec.png", "deu", 0.2}));  // a line of Fraktur

}  // namespace
}  // namespace pg_ocr
