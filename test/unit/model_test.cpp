// Models made here, sound and damaged: each is refused with a reason, or good enough to read any line with.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>

#include "model_bytes.h"
#include "reading.h"
#include "recognise/backend.h"
#include "recognise/language.h"
#include "recognise/line_reader.h"

namespace pg_ocr::recognise {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr std::string_view characters =
    "5\nNULL 0 Common 0\na 3 Latin 1\nb 3 Latin 2\n中 1 Han 3\n|Broken|0|1 f Common 4\n";
const Bytes codes = recoder_bytes({{0}, {1}, {2}, {3, 4}, {5}});
const Bytes words = dawg_bytes(3, {{1, true, false, 1}, {2, true, true, 0}});

Network small_network() {
    Network network = made_network(12, 1e-4f, {.tanh = 3, .down = 4, .along = {3, 2, 3}, .classes = 6});
    network.null_code = 5;
    network.recoded = true;
    return network;
}

Bytes model_of(const Network& network) {
    return model_bytes({{Component::network, network_bytes(network)},
                        {Component::words, words},
                        {Component::unicharset, Bytes(characters.begin(), characters.end())},
                        {Component::recoder, codes}});
}

LineImage noisy_line(uint32_t width, uint32_t height) {
    std::mt19937 random(width);
    LineImage line{width, height, Bytes(size_t{width} * height)};
    for (uint8_t& pixel : line.pixels) pixel = static_cast<uint8_t>(random() % 2 == 0 ? 255 : random() % 256);
    return line;
}

/// By each backend the same, of numbers that are parts of 1; those of the reference.
std::vector<Scores> scores_of(const Network& network) {
    const std::vector<LineImage> lines = {noisy_line(31, network.height), noisy_line(10, network.height)};
    std::vector<Scores> expected;
    for (const Backend* backend : backends()) {
        if (!backend->runs_here()) continue;
        std::vector<Scores> scores = CompiledNetwork(network, *backend).forward(lines);
        for (const Scores& each : scores)
            EXPECT_TRUE(std::all_of(each.values.begin(), each.values.end(), [](float v) { return v >= 0 && v <= 1; }));
        if (expected.empty()) {
            expected = std::move(scores);
            continue;
        }
        for (size_t i = 0; network.integers && i < scores.size(); ++i)
            EXPECT_EQ(scores[i].values, expected[i].values) << backend->name;
    }
    return expected;
}

/// Why a model is refused; empty where lines are read with it.
std::string refusal_of(const Bytes& bytes) {
    try {
        const ModelFile file(bytes);
        const Network network = parse_network(file);
        const Language language = parse_language(file, network);
        LineReader reader({&language});
        for (const Scores& scores : scores_of(network))
            for (const LineWord& word : reader.read({}, [&](size_t) {
                     return LineScores{scores, {{0, 0, 40, 12}, 3}};
                 }))
                EXPECT_FALSE(word.characters.empty());
        return {};
    } catch (const ModelError& error) {
        return error.what();
    }
}
std::string refusal_of(const Network& network) { return refusal_of(model_of(network)); }

Layer layer_of(LayerType type, uint32_t features, uint32_t x, uint32_t y) {
    Layer layer;
    layer.type = type;
    layer.inputs = layer.outputs = features;
    layer.x = x;
    layer.y = y;
    return layer;
}
Layer around(LayerType type, const std::vector<Layer>& inner) {
    Layer layer = layer_of(type, inner.front().inputs, 0, 0);
    layer.inner = inner;
    return layer;
}
/// Of a network with one more layer before the last but `behind`.
std::string refusal_with(const Layer& layer, size_t behind) {
    Network network = small_network();
    network.root.inner.insert(network.root.inner.begin() + static_cast<ptrdiff_t>(behind), layer);
    return refusal_of(network);
}

TEST(Model, OfIntegersAndOfRealsIsReadAsItWasMade) {
    Network made = small_network();
    for (const bool real : {false, true}) {
        if (real) make_real(made);
        const Network read = parse_network(ModelFile(model_of(made)));
        EXPECT_EQ(read.integers, !real);
        EXPECT_EQ(read.x_scale, 3u);
        EXPECT_EQ(read.height, 12u);
        const std::vector<Scores> expected = scores_of(made), scores = scores_of(read);
        ASSERT_EQ(scores.size(), expected.size());
        for (size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i].values, expected[i].values);
        EXPECT_EQ(refusal_of(made), "");
    }
}

TEST(Model, MayHoldItsCharactersWithinItsNetwork) {
    Network network = small_network();
    const ModelFile apart(model_of(network));
    const Language expected = parse_language(apart, parse_network(apart));
    const auto language_of = [](const Bytes& component) {
        const ModelFile file(model_bytes({{Component::network, component}}));
        return parse_language(file, parse_network(file));
    };
    const Language within = language_of(network_bytes(network, characters, codes));
    ASSERT_EQ(within.unicharset.unichars.size(), expected.unicharset.unichars.size());
    EXPECT_EQ(within.unicharset[3].text, "中");
    EXPECT_EQ(within.null_code, expected.null_code);
    EXPECT_EQ(within.recoder.size(), expected.recoder.size());
    EXPECT_NE(within.recoder.after(std::vector{3}), nullptr);
    network.recoded = false;
    const Language without_codes = language_of(network_bytes(network, characters));
    EXPECT_EQ(without_codes.recoder.size(), network.classes);
    EXPECT_EQ(without_codes.recoder.after(std::vector{3}), nullptr);
}

TEST(Model, OfTesseract3IsRefused) {
    EXPECT_EQ(refusal_of(model_bytes({{Component::settings, {}}})),
              "has no network; models of Tesseract 3 cannot be used");
    EXPECT_EQ(refusal_of(Bytes(100, 'x')), "is no model of Tesseract");
    EXPECT_EQ(refusal_of(Bytes()), "is cut off");
}

TEST(Model, WithNumbersBeyondReasonIsRefused) {
    for (const float scale : {1e25f, -1e25f, INFINITY, NAN}) {
        Network network = small_network();
        network.root.inner[5].gates[2].scales[1] = scale;
        EXPECT_NE(refusal_of(network).find("has a scale of"), std::string::npos) << scale;
    }
    for (const float weight : {1e7f, -1e7f, INFINITY, NAN}) {
        Network network = small_network();
        make_real(network);
        network.root.inner[5].gates[2].reals[1] = weight;
        EXPECT_NE(refusal_of(network).find("has a weight of"), std::string::npos) << weight;
    }
}

TEST(Model, WithoutBoundsBetweenItsLayersStillGivesNumbers) {
    for (const LayerType type : {LayerType::relu, LayerType::linear}) {
        Network network = small_network();
        Layer dense = layer_of(type, 3, 0, 0);
        dense.weights.inputs = dense.weights.outputs = 3;
        dense.weights.integers.assign(12, 127);
        dense.weights.scales.assign(3, 1e19f);
        network.root.inner.insert(network.root.inner.end() - 1, 9, dense);
        EXPECT_EQ(refusal_of(network), "");
        for (Layer& layer : network.root.inner)
            if (layer.type == type) layer.weights.scales.assign(3, 1);
        make_real(network);
        for (Layer& layer : network.root.inner)
            if (layer.type == type) layer.weights.reals.assign(12, 1e6f);
        EXPECT_EQ(refusal_of(network), "");
    }
}

TEST(Model, WhoseStepsAreNotOneRowIsRefused) {
    constexpr const char* not_one_row = "has a network of which not one row of steps comes out";
    Network network = small_network();
    network.root.inner[4].inner[0].type = LayerType::lstm;
    EXPECT_EQ(refusal_of(network), not_one_row);
    network = small_network();
    network.root.inner[5].type = LayerType::lstm_summary;
    EXPECT_EQ(refusal_of(network), not_one_row);
    network = small_network();
    const Layer summary = network.root.inner[4].inner[0];
    network.root.inner[4] = summary;
    EXPECT_EQ(refusal_of(network), not_one_row);
}

TEST(Model, ThatShrinksALineToNothingIsRefused) {
    constexpr const char* nothing = "has a network in which a line shrinks to nothing";
    EXPECT_EQ(refusal_with(layer_of(LayerType::maxpool, 1, 1, 13), 1), nothing);
    EXPECT_EQ(refusal_with(layer_of(LayerType::maxpool, 4, 1, 2), 5), nothing);
    // 64⁶ is 0 in 32 bits.
    Layer shrinks = around(LayerType::series, std::vector(6, layer_of(LayerType::maxpool, 4, 64, 1)));
    EXPECT_EQ(refusal_with(shrinks, 5), nothing);
    EXPECT_EQ(refusal_with(layer_of(LayerType::maxpool, 4, 2, 1), 5), "");
}

TEST(Model, WhoseLayersSideBySideDifferInSizeIsRefused) {
    constexpr const char* differ = "has layers side by side whose outputs differ in size";
    const auto beside = [](uint32_t x, uint32_t y) {
        Network network = small_network();
        Layer& last = network.root.inner.back();
        Layer both =
            around(LayerType::parallel, {layer_of(LayerType::maxpool, 3, 2, 1), layer_of(LayerType::maxpool, 3, x, y)});
        both.outputs = last.inputs = last.weights.inputs = 6;
        last.weights.integers.resize(size_t{6} * 7);
        network.root.inner.insert(network.root.inner.end() - 1, both);
        return refusal_of(network);
    };
    EXPECT_EQ(beside(3, 1), differ);
    EXPECT_EQ(beside(1, 1), differ);
    EXPECT_EQ(beside(2, 1), "");
}

TEST(Model, ThatNeedsMemoryOrTimeBeyondReasonIsRefused) {
    Network wide = small_network();
    Layer& convolve = wide.root.inner[1];
    Layer& tanh = wide.root.inner[2];
    convolve.x = convolve.y = 32;
    convolve.outputs = tanh.inputs = tanh.weights.inputs = 65 * 65;
    tanh.weights.integers.resize(size_t{3} * (65 * 65 + 1));
    EXPECT_EQ(refusal_of(wide), "has a network that needs too much memory");
    Network network = made_network(200, 1e-4f, {.tanh = 80, .down = 120, .classes = 6});
    network.null_code = 5;
    Layer slow = layer_of(LayerType::tanh, 80, 0, 0);
    slow.weights = {.outputs = 80,
                    .inputs = 80,
                    .integers = std::vector<int8_t>(size_t{80} * 81),
                    .scales = std::vector<float>(80),
                    .reals = {}};
    network.root.inner.insert(network.root.inner.begin() + 3, 20, slow);
    EXPECT_EQ(refusal_of(network), "has a network that needs too much time");
}

TEST(Model, OfLayersWithoutEndIsRefused) {
    Layer deep = layer_of(LayerType::maxpool, 4, 1, 1);
    for (int i = 0; i < 20; ++i) deep = around(LayerType::series, {deep});
    EXPECT_EQ(refusal_with(deep, 5), "has layers without end");
    EXPECT_EQ(refusal_with(around(LayerType::series, std::vector(300, layer_of(LayerType::maxpool, 4, 1, 1))), 5),
              "has layers without end");
}

TEST(Model, CutOffIsRefused) {
    for (const bool real : {false, true}) {
        Network network = small_network();
        if (real) make_real(network);
        const Bytes sound = model_of(network);
        for (size_t size = 0; size < sound.size(); ++size)
            ASSERT_NE(refusal_of(Bytes(sound.begin(), sound.begin() + static_cast<ptrdiff_t>(size))), "") << size;
    }
}

TEST(Model, OfAnyWrongByteIsRefusedOrReads) {
    Bytes bytes = model_of(small_network());
    for (size_t at = 0; at < bytes.size(); ++at) {
        const uint8_t sound = bytes[at];
        for (const int wrong : {0x00, 0x7f, 0xff, sound ^ 0x40}) {
            bytes[at] = static_cast<uint8_t>(wrong);
            refusal_of(bytes);
            ASSERT_FALSE(HasFailure()) << wrong << " at " << at;
        }
        bytes[at] = sound;
    }
}

}  // namespace
}  // namespace pg_ocr::recognise
