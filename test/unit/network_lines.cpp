#include "network_lines.h"

#include <gtest/gtest.h>
#include <leptonica/allheaders.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "recognise/model_file.h"

namespace pg_ocr::recognise {

LineImage noisy_line(uint32_t width, uint32_t height, uint32_t seed) {
    std::mt19937 random(seed);
    LineImage line{width, height, std::vector<uint8_t>(size_t{width} * height)};
    for (size_t i = 0; i < line.pixels.size(); ++i)
        line.pixels[i] = static_cast<uint8_t>(random() % 3 == 0 ? random() % 256 : i / 5 % 2 == 0 ? 20 : 230);
    return line;
}

std::vector<LineImage> printed_lines(uint32_t height, size_t count) {
    Pix* coloured = pixRead(TEST_DATA "/formats/simple.png");
    Pix* page = pixConvertTo8(coloured, 0);
    pixDestroy(&coloured);
    std::vector<LineImage> lines;
    for (size_t i = 0; i < count; ++i) {
        Box* box = boxCreate(static_cast<int>(5 * i), static_cast<int>(20 * i), 150 + 30 * static_cast<int>(i), 40);
        Pix* band = pixClipRectangle(page, box, nullptr);
        const float scale = static_cast<float>(height) / static_cast<float>(pixGetHeight(band));
        Pix* scaled = pixScaleToSize(band, static_cast<int>(scale * static_cast<float>(pixGetWidth(band))),
                                     static_cast<int>(height));
        LineImage line{static_cast<uint32_t>(pixGetWidth(scaled)), height, {}};
        for (int y = 0; y < pixGetHeight(scaled); ++y)
            for (int x = 0; x < pixGetWidth(scaled); ++x) {
                l_uint32 value = 0;
                pixGetPixel(scaled, x, y, &value);
                line.pixels.push_back(static_cast<uint8_t>(value));
            }
        lines.push_back(std::move(line));
        pixDestroy(&scaled);
        pixDestroy(&band);
        boxDestroy(&box);
    }
    pixDestroy(&page);
    return lines;
}

Network installed_network(const std::string& language) {
    return parse_network(ModelFile::read(TESSDATA "/" + language + ".traineddata"));
}

void expect_same(const Scores& expected, const Scores& scores, bool bit_by_bit, const std::string& where) {
    ASSERT_EQ(expected.steps, scores.steps) << where;
    ASSERT_EQ(expected.classes, scores.classes) << where;
    ASSERT_EQ(expected.values.size(), scores.values.size()) << where;
    if (scores.values.empty()) return;
    if (bit_by_bit) {
        EXPECT_EQ(std::memcmp(expected.values.data(), scores.values.data(), sizeof(float) * scores.values.size()), 0)
            << where;
        return;
    }
    float most = 0;
    for (size_t i = 0; i < scores.values.size(); ++i)
        most = std::max(most, std::abs(expected.values[i] - scores.values[i]));
    EXPECT_LE(most, float_bound) << where;
}

}  // namespace pg_ocr::recognise
