// Which provider's reading of a page is kept, and what becomes of a server's words.
#include "engine/provider/provider.h"

#include <gtest/gtest.h>

#include "engine/document_error.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/provider/server.h"
#include "engine/write/page_text.h"
#include "reading.h"

namespace pg_ocr {
namespace {

BestReading reading_of(float estimate, std::vector<Try> tries = {{"as it is", 0, 1, 1, false, {}}}) {
    BestReading best;
    best.reading.words = 1;
    best.reading.estimate = estimate;
    best.tries = std::move(tries);
    return best;
}

ReadRequest request_of(Tier tier, std::vector<std::string> providers) {
    ReadRequest request;
    request.tier = tier;
    request.providers = std::move(providers);
    return request;
}

std::string summary(const std::vector<Try>& tries) {
    std::string text;
    for (const Try& tried : tries)
        text += tried.way + (tried.won ? "!" : "") + (tried.failure.empty() ? "" : " (" + tried.failure + ")") + "; ";
    return text;
}

TEST(Providers, TheFirstThatIsGoodEnoughIsTheLast) {
    const ProvidersReading read =
        read_by_providers(request_of(Tier::balanced, {"a", "b"}), [](const std::string&, const PageReading* best) {
            EXPECT_EQ(best, nullptr);
            return reading_of(95);
        });
    EXPECT_EQ(read.provider, "a");
    EXPECT_EQ(read.best.tries.size(), 1u);
}

TEST(Providers, TheBestIsKeptWhereNoneIsGoodEnough) {
    const float estimates[] = {40, 80, 60};
    size_t at = 0;
    const ProvidersReading read = read_by_providers(request_of(Tier::accurate, {"a", "b", "c"}),
                                                    [&](const std::string&, const PageReading* best) {
                                                        EXPECT_EQ(best == nullptr, at == 0);
                                                        return reading_of(estimates[at++]);
                                                    });
    EXPECT_EQ(read.provider, "b");
    EXPECT_EQ(summary(read.best.tries), "as it is; by b!; by c; ");
}

TEST(Providers, WaysOfTheFirstAreKeptApartFromTheNext) {
    bool first = true;
    const ProvidersReading read =
        read_by_providers(request_of(Tier::balanced, {"a", "b"}), [&](const std::string&, const PageReading*) {
            if (!std::exchange(first, false)) return reading_of(10);
            return reading_of(50, {{"as it is", 20, 1, 1, false, {}}, {"turned by 180", 50, 1, 1, true, {}}});
        });
    EXPECT_EQ(summary(read.best.tries), "as it is; turned by 180!; by b; ");
}

TEST(Providers, InTierFastOneReadingIsEnough) {
    size_t read = 0;
    read_by_providers(request_of(Tier::fast, {"a", "b"}), [&](const std::string&, const PageReading*) {
        ++read;
        return reading_of(1);
    });
    EXPECT_EQ(read, 1u);
}

TEST(Providers, OneThatFailsIsATryThatFailed) {
    const ProvidersReading read =
        read_by_providers(request_of(Tier::fast, {"a", "b"}), [](const std::string& provider, const PageReading*) {
            if (provider == "a") throw DocumentError(ErrorCode::provider_unavailable, "it is down");
            return reading_of(70);
        });
    EXPECT_EQ(read.provider, "b");
    EXPECT_EQ(summary(read.best.tries), "by a (it is down); by b!; ");
}

TEST(Providers, WhereAllFailTheLastSaysWhy) {
    try {
        read_by_providers(request_of(Tier::balanced, {"a", "b"}),
                          [](const std::string& provider, const PageReading*) -> BestReading {
                              throw DocumentError(ErrorCode::provider_refused, provider + " refuses");
                          });
        FAIL();
    } catch (const DocumentError& error) {
        EXPECT_EQ(error.failure.message, "b refuses");
    }
}

TEST(Providers, WhereAllFailOneThatMayComeBackIsWaitedFor) {
    for (const std::string away : {"a", "b"}) {
        try {
            read_by_providers(request_of(Tier::balanced, {"a", "b"}),
                              [&](const std::string& provider, const PageReading*) -> BestReading {
                                  if (provider == away) throw DocumentError(ErrorCode::provider_unavailable, "later");
                                  throw DocumentError(ErrorCode::provider_refused, "never");
                              });
            FAIL();
        } catch (const DocumentError& error) {
            EXPECT_EQ(error.failure.message, "later") << away;
        }
    }
}

TEST(Providers, AReadingForWhichThereIsNoMemoryIsATryThatFailed) {
    const ReadByProvider greedy = [](const std::string& provider, const PageReading*) {
        if (provider == "greedy") throw std::bad_alloc();
        return reading_of(30);
    };
    EXPECT_EQ(read_by_providers(request_of(Tier::balanced, {"a", "greedy"}), greedy).provider, "a");
    EXPECT_EQ(summary(read_by_providers(request_of(Tier::balanced, {"greedy", "a"}), greedy).best.tries),
              "by greedy (the page does not fit into the engine's memory; raise pg_ocr.engine_memory); by a!; ");
    try {
        read_by_providers(request_of(Tier::balanced, {"greedy"}), greedy);
        FAIL();
    } catch (const DocumentError& error) {
        EXPECT_EQ(error.failure.code, ErrorCode::engine_memory);
    }
}

TEST(Providers, AServerLeavesTimeForThoseThatFollow) {
    struct Asked : Reading {
        std::vector<int64_t> times;
        ProviderAnswer ask(const Ask& question) override {
            times.push_back(question.time_ms);
            return {{ErrorCode::provider_refused, "no"}, {}};
        }
    } asked;
    ReadRequest request = request_of(Tier::fast, {"first", "last"});
    request.limits.page_time_ms = 1000000;
    const std::string page = contents_of(data_path("pypdf-samples/pdflatex-4-pages.pdf"));
    request.pages = parse_page_ranges("1");
    request.text_layer = TextLayer::ignore;
    read_document(reinterpret_cast<const uint8_t*>(page.data()), page.size(), request, recognisers(), asked);
    ASSERT_EQ(asked.times.size(), 2u);
    EXPECT_GT(asked.times[0], 0);
    EXPECT_LE(asked.times[0], 500000);
    EXPECT_GT(asked.times[1], 500000);
}

TEST(Providers, TimeThatIsUpLeavesWhatWasRead) {
    const auto read_or_late = [](const std::string& provider, const PageReading*) {
        if (provider == "late") throw TimeIsUp();
        return reading_of(30);
    };
    EXPECT_EQ(read_by_providers(request_of(Tier::balanced, {"a", "late"}), read_or_late).provider, "a");
    EXPECT_THROW(read_by_providers(request_of(Tier::balanced, {"late", "a"}), read_or_late), TimeIsUp);
}

TEST(Providers, AServersWordsBecomeLinesAndBlocks) {
    const std::vector<Word> words = {
        {"The", {10, 10, 40, 30}, 90, false},       {"quick", {48, 11, 100, 31}, 80, false},
        {"xqzv two", {10, 40, 90, 60}, 50, false},  {"\xff", {10, 200, 20, 220}, 50, false},
        {"outside", {500, 10, 600, 30}, 90, false}, {" ", {10, 300, 20, 320}, 50, false}};
    Models models(tessdata_directory());
    const Layout layout = layout_of_words(words, {0, 0, 400, 400}, models.for_languages("eng"));
    EXPECT_EQ(page_text(layout), "The quick\nxqzv two\n\n\xef\xbf\xbd\n");
    const std::vector<Word>& first = layout.blocks.at(0).lines.at(0).words;
    EXPECT_TRUE(first.at(0).is_familiar);
    EXPECT_EQ(first.at(0).confidence, 90);
    EXPECT_EQ(first.at(1).box, (Box{48, 11, 100, 31}));
    const std::vector<Word>& second = layout.blocks.at(0).lines.at(1).words;
    EXPECT_FALSE(second.at(0).is_familiar);
    EXPECT_TRUE(second.at(1).is_familiar);
    EXPECT_EQ(second.at(1).box, (Box{60, 40, 90, 60}));
}

}  // namespace
}  // namespace pg_ocr
