// Every backend against the reference: of integers bit by bit, of floats closely, whatever the batch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <numeric>
#include <random>

#include "model_bytes.h"
#include "network_lines.h"
#include "recognise/backend.h"
#include "recognise/cpu/cpu_backends.h"
#include "recognise/cpu/kernels.h"
#include "recognise/reference.h"

namespace pg_ocr::recognise {
namespace {

constexpr size_t most_lines = 17;

/// 17 lines: of a step, of as many as kernels take at a time, of one more, of what is printed.
std::vector<LineImage> lines_of(uint32_t height) {
    std::vector<LineImage> lines = printed_lines(height, 4);
    for (uint32_t width : {3u, 4u, 5u, 6u, 9u, 11u, 36u, 69u, 71u, 72u, 75u, 100u, 151u})
        lines.push_back(noisy_line(width, height, width));
    return lines;
}

/// All lines through each backend that this machine has, in batches of 1 to 17, in any order.
void expect_all_like_reference(const Network& network, const std::vector<LineImage>& lines) {
    std::vector<Scores> expected;
    expected.reserve(lines.size());
    for (const LineImage& line : lines) expected.push_back(forward_reference(network, line));
    std::mt19937 random(1);
    for (const Backend* backend : backends().subspan(1)) {
        if (!backend->runs_here()) {
            std::cout << "no " << backend->name << " on this machine\n";
            continue;
        }
        const CompiledNetwork compiled(network, *backend);
        ASSERT_EQ(&compiled.backend(), backend);
        std::vector<size_t> order(lines.size());
        std::iota(order.begin(), order.end(), 0);
        for (size_t count = 1; count <= std::min(most_lines, lines.size()); ++count) {
            std::shuffle(order.begin(), order.end(), random);
            std::vector<LineImage> batch;
            for (size_t i = 0; i < count; ++i) batch.push_back(lines[order[i]]);
            const std::vector<Scores> scores = compiled.forward(batch);
            ASSERT_EQ(scores.size(), count);
            for (size_t i = 0; i < count; ++i)
                expect_same(expected[order[i]], scores[i], network.integers,
                            std::string(backend->name) + ", " + std::to_string(lines[order[i]].width) +
                                " pixels, the " + std::to_string(i) + "th of " + std::to_string(count));
        }
    }
}

class Models : public testing::TestWithParam<const char*> {};

TEST_P(Models, ReadAsTheReferenceDoes) {
    if (!std::ifstream(TESSDATA "/" + std::string(GetParam()) + ".traineddata"))
        GTEST_SKIP() << "the model " << GetParam() << " is not installed";
    const Network network = installed_network(GetParam());
    expect_all_like_reference(network, lines_of(network.height));
}

// One of each size that is packaged: the LSTM down the columns, the last one along the line, the height.
INSTANTIATE_TEST_SUITE_P(Kernels, Models,
                         testing::Values("eng", "deu", "fra", "kan", "rus", "ara", "hin", "jpn", "chi_sim"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Kernels, ReadLongLines) {
    const Network network = installed_network("eng");
    expect_all_like_reference(network, {noisy_line(6001, network.height, 1), noisy_line(900, network.height, 2)});
}

TEST(Kernels, FillUpWhatFillsNoVector) {
    for (uint32_t height : {3u, 7u, 20u, 36u}) {
        SCOPED_TRACE(height);
        expect_all_like_reference(made_network(height, 4e-7f), lines_of(height));
    }
}

TEST(Kernels, SaturateWhereTheReferenceDoes) {
    for (float scale : {1e-3f, 1e6f}) {
        SCOPED_TRACE(scale);
        expect_all_like_reference(made_network(36, scale), lines_of(36));
    }
}

TEST(Kernels, OfFloatsDifferByTheOrderOfSumsOnly) {
    Network network = installed_network("eng");
    make_real(network);
    expect_all_like_reference(network, lines_of(network.height));
    Network invented = made_network(36, 4e-7f);
    make_real(invented);
    expect_all_like_reference(invented, lines_of(36));
}

TEST(Kernels, LeaveOtherNetworksToTheReference) {
    Network relu = made_network(36, 1e-6f);
    relu.root.inner[2].type = LayerType::relu;
    // The greatest sum is the least value there.
    Network negative = made_network(36, 1e-6f);
    negative.root.inner[2].weights.scales[3] = -1e-6f;
    const LineImage line = noisy_line(30, 36, 1);
    for (const Network& network : {relu, negative}) {
        const CompiledNetwork compiled(network);
        EXPECT_STREQ(compiled.backend().name, "reference");
        expect_same(forward_reference(network, line), compiled.forward({{line}}).front(), true, "reference");
    }
}

TEST(Kernels, ReadNoStepInTooNarrowLinesAndNoLineOfAnotherHeight) {
    const Network network = made_network(36, 1e-6f);
    for (const Backend* backend : backends()) {
        if (!backend->runs_here()) continue;
        const CompiledNetwork compiled(network, *backend);
        EXPECT_TRUE(compiled.forward({}).empty());
        const std::vector<LineImage> narrow = {noisy_line(0, 36, 1), noisy_line(2, 36, 1), noisy_line(3, 36, 1)};
        const std::vector<Scores> scores = compiled.forward(narrow);
        EXPECT_EQ(scores[0].steps, 0u);
        EXPECT_EQ(scores[1].steps, 0u);
        EXPECT_EQ(scores[2].steps, 1u);
        EXPECT_THROW(compiled.forward({{noisy_line(30, 35, 1)}}), std::invalid_argument);
        LineImage cut = noisy_line(30, 36, 1);
        cut.pixels.pop_back();
        EXPECT_THROW(compiled.forward({{cut}}), std::invalid_argument);
    }
}

/// What a cell holds is not rounded to 8 bits: here shows a fused product, or an entry of a table that is missed.
void expect_cells_like_reference(const Kernels& kernels) {
    std::mt19937 random(3);
    const uint32_t width = kernels.width;
    for (int round = 0; round < 5000; ++round) {
        std::vector<int32_t> sums(size_t{4} * width);
        std::vector<float> scales(size_t{4} * width);
        std::vector<float> states(width);
        std::vector<float> expected(width);
        for (size_t i = 0; i < sums.size(); ++i) {
            sums[i] = static_cast<int32_t>(random() % 40001) - 20000;
            // Quarters of a table's step, or anything.
            scales[i] = random() % 2 == 0 ? 1.0f / 1024 : static_cast<float>(random() % 1000) * 1e-6f;
        }
        for (uint32_t c = 0; c < width; ++c) {
            states[c] = static_cast<float>(random() % 200001) / 1000 - 100;
            const auto gate = [&](uint32_t g) {
                return static_cast<float>(sums[g * width + c]) * scales[g * width + c];
            };
            const float kept = states[c] * table_logistic(tables(), gate(forget_gate));
            const float added = table_tanh(tables(), gate(cell_input)) * table_logistic(tables(), gate(input_gate));
            expected[c] = std::clamp(kept + added, -state_limit, state_limit);
        }
        std::vector<uint32_t> biases(sums.begin(), sums.end());
        std::vector<uint32_t> outputs(width);
        const void* nothing = outputs.data();
        void* to = outputs.data();
        // No inputs: the sums are the biases.
        const PackedMatrix matrix{1, 4, 0, 0, biases.data(), biases.data(), scales.data()};
        kernels.lstm(matrix, {1, &nothing, &nothing, &to, states.data()}, paired_tables());
        ASSERT_EQ(states, expected) << round;
    }
}

/// Among so many numbers are some whose last bit only libm knows.
void expect_softmax_of_libm(const Kernels& kernels) {
    constexpr uint32_t classes = 67, stride = 128, count = 5;
    std::mt19937 random(5);
    std::uniform_real_distribution<float> below(-90, 0);
    for (int round = 0; round < 2000; ++round) {
        std::vector<float> rows(size_t{count} * stride);
        std::vector<float> expected;
        for (uint32_t i = 0; i < count; ++i) {
            float* row = &rows[size_t{i} * stride];
            for (uint32_t c = 0; c < stride; ++c) row[c] = c < classes ? below(random) * (i == 0 ? 1e-3f : 1) : 1000;
            const float most = *std::max_element(row, row + classes);
            float total = 0;
            for (uint32_t c = 0; c < classes; ++c) {
                expected.push_back(std::exp(std::clamp(row[c] - most, -86.0f, 0.0f)));
                total += expected.back();
            }
            for (uint32_t c = 0; c < classes; ++c) expected[size_t{i} * classes + c] /= total;
        }
        kernels.softmax(rows.data(), stride, count, classes);
        std::vector<float> values;
        for (uint32_t i = 0; i < count; ++i)
            values.insert(values.end(), &rows[size_t{i} * stride], &rows[size_t{i} * stride + classes]);
        ASSERT_EQ(values, expected) << round;
    }
}

TEST(Kernels, WeighClassesAsLibmDoes) {
    expect_softmax_of_libm(portable_integers);
#ifdef __x86_64__
    if (avx2_backend.runs_here()) expect_softmax_of_libm(avx2_integers);
    if (avx512_backend.runs_here()) expect_softmax_of_libm(avx512_integers);
#endif
}

TEST(Kernels, KeepCellsAsTheReferenceDoes) {
    expect_cells_like_reference(portable_integers);
#ifdef __x86_64__
    if (avx2_backend.runs_here()) expect_cells_like_reference(avx2_integers);
    if (avx512_backend.runs_here()) expect_cells_like_reference(avx512_integers);
#endif
}

TEST(Backends, EndInTheFastestThatRunsHere) {
    EXPECT_STREQ(backends().front()->name, "reference");
    EXPECT_TRUE(best_backend().runs_here());
    for (const Backend* backend : backends()) EXPECT_EQ(backend->version, backend_version);
    const CompiledNetwork best(made_network(36, 1e-6f));
    EXPECT_EQ(&best.backend(), &best_backend());
    EXPECT_GT(best.bytes(), 10000u);
}

}  // namespace
}  // namespace pg_ocr::recognise
