// What a card gives back of a line's scores, run on the CPU: paths and means are what they are with all of them.
#include "cuda_on_cpu.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "cuda/step_scores.cuh"
#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/lines/text_page.h"
#include "model_bytes.h"
#include "reading.h"
#include "recognise/beam_search.h"
#include "recognise/best_classes.h"
#include "recorded_lines.h"

namespace pg_ocr::recognise {
namespace {

std::vector<StepScores> found_on_card(const Scores& scores, int32_t null_code) {
    std::vector<StepScores> found(scores.steps);
    const StepSearch job{scores.values.data(), scores.steps, scores.classes, static_cast<uint32_t>(null_code),
                         found.data()};
    cuda_on_cpu::launch(find_step_scores, job.blocks(), step_threads, 0, job);
    return found;
}

std::array<uint64_t, 2> bits_of(const StepScores& step) {
    return {
        std::bit_cast<uint32_t>(step.best) | uint64_t{std::bit_cast<uint32_t>(step.second)} << 32,
        std::bit_cast<uint32_t>(step.of_null) | uint64_t{step.best_class} << 32 | uint64_t{step.second_class} << 48};
}

/// How many steps are clear.
size_t expect_found_alike(const Scores& scores, int32_t null_code) {
    const std::vector<StepScores> seen = found_on_card(scores, null_code);
    const std::vector<StepScores> expected = step_scores_of(scores, null_code);
    size_t clear = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(bits_of(seen[i]), bits_of(expected[i])) << "step " << i << " of " << scores.classes << " classes";
        clear += expected[i].is_clear() ? 1 : 0;
    }
    return clear;
}

TEST(CudaStepScores, AreThoseThatTheCpuFinds) {
    std::mt19937 random(1);
    size_t clear = 0, steps = 0;
    for (uint32_t classes = 1; classes < 400; classes += classes < 70 ? 1 : 31) {
        Scores scores{30, classes, {}};
        const uint32_t kinds = classes % 3 == 0 ? 30 : 5000;
        for (size_t i = 0; i < size_t{30} * classes; ++i)
            scores.values.push_back(static_cast<float>(random() % kinds) / static_cast<float>(kinds));
        if (classes > 5) scores.values[random() % scores.values.size()] = std::numeric_limits<float>::quiet_NaN();
        clear += expect_found_alike(scores, static_cast<int32_t>(random() % classes));
        steps += 30;
    }
    EXPECT_GT(clear, steps / 2);
    EXPECT_LT(clear, steps);
}

/// Where steps are clear.
void expect_same_path(BeamSearch& search, const Language& language, const Scores& scores, size_t& compared) {
    ASSERT_TRUE(needs_step_scores_only(language));
    const std::vector<StepScores> steps = step_scores_of(scores, language.null_code);
    const std::optional<Scores> again = scores_of(steps, scores.classes, language.null_code);
    ASSERT_EQ(again.has_value(), std::ranges::all_of(steps, [](const StepScores& s) { return s.is_clear(); }));
    if (!again) return;
    ++compared;
    EXPECT_EQ(mean_of_best(*again, language.null_code), mean_of_best(scores, language.null_code));
    const std::vector<PathStep> seen = search.best_path(*again), expected = search.best_path(scores);
    ASSERT_EQ(seen.size(), expected.size());
    for (size_t i = 0; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i].unichar, expected[i].unichar) << i;
        ASSERT_EQ(seen[i].source, expected[i].source) << i;
        ASSERT_EQ(seen[i].begins_word, expected[i].begins_word) << i;
        ASSERT_EQ(seen[i].duplicate, expected[i].duplicate) << i;
        ASSERT_EQ(seen[i].certainty, expected[i].certainty) << i;
    }
}

/// Of no network: any class may be worth anything, or nothing, and much may be worth less than what a search looks at.
Scores random_scores(std::mt19937& random, const Language& language) {
    Scores scores{40, language.classes, {}};
    const double sharpness = static_cast<double>(1 + random() % 12);
    for (uint32_t step = 0; step < scores.steps; ++step) {
        double sum = 0;
        std::vector<double> values(language.classes);
        for (double& value : values) sum += value = std::exp(-sharpness * static_cast<double>(random()) / 1e9);
        if (random() % 3 == 0) sum += values[static_cast<size_t>(language.null_code)] += sum * 5;
        for (const double value : values) scores.values.push_back(static_cast<float>(value / sum));
    }
    return scores;
}

TEST(CudaStepScores, AreAllThatASearchLooksAt) {
    std::mt19937 random(2);
    size_t compared = 0, all = 0;
    for (const char* name : {"eng", "deu", "chi_sim", "jpn", "ara", "hin", "kan"}) {
        if (!is_installed(name)) continue;
        const Language language = installed_language(name);
        BeamSearch search(language, {});
        for (int round = 0; round < 60; ++round)
            ASSERT_NO_FATAL_FAILURE(expect_same_path(search, language, random_scores(random, language), compared))
                << name;
        all += 60;
    }
    EXPECT_GT(compared, all * 9 / 10);
}

TEST(CudaStepScores, AreAllThatASearchLooksAtInLinesOfPages) {
    for (const auto& [file, name] : {std::pair{"phototest/phototest.tif", "eng"}, {"scripts/chi_sim.png", "chi_sim"}}) {
        if (!is_installed(name)) continue;
        const Model& model = *recognisers().models().for_languages(name).front();
        BeamSearch search(model.language, {});
        const std::string document = contents_of(data_path(file));
        const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
        const PageImage page = open_document(document_type(bytes), bytes, ReadRequest{})->image_of(1);
        std::vector<LineImage> images;
        for (const TextBlock& block : text_page_of(black_on_white(page.pixels.get()).get()).blocks)
            for (const LineOfUnits& line : block.lines)
                for (const LineUnit& unit : line.units)
                    images.push_back(line_image_of(page.pixels.get(), unit, block.quarter_turns, model.height));
        ASSERT_GT(images.size(), 5u) << file;
        size_t clear = 0, steps = 0, compared = 0;
        for (const Scores& scores : forward(model, images)) {
            clear += expect_found_alike(scores, model.language.null_code);
            steps += scores.steps;
            ASSERT_NO_FATAL_FAILURE(expect_same_path(search, model.language, scores, compared)) << file;
        }
        EXPECT_EQ(clear, steps) << file;
    }
}

TEST(CudaStepScores, DoNotDoWhereTheNullIsNoCodeByItself) {
    Language language = installed_language("eng");
    EXPECT_TRUE(needs_step_scores_only(language));
    language.simple_text = true;
    EXPECT_FALSE(needs_step_scores_only(language));
    language.simple_text = false;
    const std::vector<uint8_t> codes = recoder_bytes({{0}, {1}, {language.null_code, 2}});
    ModelBytes from(codes);
    language.recoder = Recoder::parse(from, language.classes);
    EXPECT_FALSE(needs_step_scores_only(language));
}

TEST(CudaStepScores, AreRefusedWhereTheyAreOfOtherClasses) {
    const std::vector<StepScores> steps{{0.5f, 0.25f, 0.25f, 7, 2}};
    EXPECT_TRUE(scores_of(steps, 8, 0));
    EXPECT_FALSE(scores_of(steps, 7, 0));
    const std::vector<StepScores> not_clear{{0.5f, 0.25f, 0.25f, 2, 2}};
    EXPECT_FALSE(scores_of(not_clear, 8, 0));
}

}  // namespace
}  // namespace pg_ocr::recognise
