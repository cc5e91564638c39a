// Which lines go to a card together, and when.
#include "gpu/line_queue.h"

#include <gtest/gtest.h>

namespace pg_ocr {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

const CardClock::time_point start{};
constexpr microseconds wait{1500};

std::shared_ptr<LoadedNetwork> network_of(uint32_t most_columns = 100000) {
    auto network = std::make_shared<LoadedNetwork>();
    network->most_columns = most_columns;
    return network;
}

struct Asking {
    uint64_t engine;
    std::vector<uint32_t> widths;
    microseconds after{0};
    bool is_interactive = false;
};

std::shared_ptr<LineRequest> request_of(const std::shared_ptr<LoadedNetwork>& network, const Asking& asking) {
    auto request = std::make_shared<LineRequest>();
    request->engine = asking.engine;
    request->network = network;
    request->came = start + asking.after;
    request->is_interactive = asking.is_interactive;
    for (const uint32_t width : asking.widths) {
        request->lines.push_back({nullptr, width});
        request->steps.push_back(nullptr);
    }
    return request;
}

LineQueue queue_of(uint32_t lines, size_t engines) {
    BatchLimits limits;
    limits.lines = lines;
    limits.wait = wait;
    LineQueue queue(limits);
    queue.set_engines(engines);
    return queue;
}

std::vector<uint32_t> widths_of(const std::optional<LineBatch>& batch) {
    std::vector<uint32_t> widths;
    if (batch)
        for (const recognise::LinePixels& line : batch->lines) widths.push_back(line.width);
    return widths;
}
using Widths = std::vector<uint32_t>;

TEST(LineQueue, WaitsForOthersForAWhile) {
    const auto network = network_of();
    LineQueue queue = queue_of(100, 3);
    EXPECT_FALSE(queue.take(start));
    EXPECT_FALSE(queue.due());
    queue.add(request_of(network, {1, {10, 20}}));
    EXPECT_FALSE(queue.take(start + wait - microseconds(1)));
    EXPECT_EQ(queue.due(), start + wait);
    queue.add(request_of(network, {2, {30}, microseconds(700)}));
    EXPECT_EQ(queue.columns(), 60u);
    EXPECT_EQ(widths_of(queue.take(start + wait)), (Widths{10, 20, 30})) << "lines of both engines";
    EXPECT_EQ(queue.columns(), 0u);
    EXPECT_FALSE(queue.due());
}

TEST(LineQueue, WaitsForNobodyWhereAllHaveAsked) {
    const auto network = network_of();
    LineQueue queue = queue_of(100, 2);
    queue.add(request_of(network, {1, {10}}));
    EXPECT_FALSE(queue.take(start));
    queue.add(request_of(network, {2, {20}}));
    const std::optional<LineBatch> batch = queue.take(start);
    EXPECT_EQ(widths_of(batch), (Widths{10, 20}));
    // The two wait for their scores and can ask nothing: one more engine has nobody to wait for.
    queue.set_engines(3);
    queue.add(request_of(network, {3, {30}}));
    EXPECT_EQ(widths_of(queue.take(start)), (Widths{30}));
    EXPECT_EQ(queue.finish(*batch, true).size(), 2u);
    queue.add(request_of(network, {3, {40}}));
    EXPECT_FALSE(queue.take(start)) << "the two may ask again";
    queue.set_engines(1);
    EXPECT_TRUE(queue.take(start)) << "they have gone";
}

TEST(LineQueue, SendsAFullBatchAtOnce) {
    LineQueue by_lines = queue_of(3, 9);
    by_lines.add(request_of(network_of(), {1, {10, 10, 10, 10}}));
    EXPECT_EQ(widths_of(by_lines.take(start)), (Widths{10, 10, 10}));
    EXPECT_FALSE(by_lines.take(start)) << "what is left is no full batch";
    EXPECT_EQ(widths_of(by_lines.take(start + wait)), (Widths{10}));
    LineQueue by_columns = queue_of(100, 9);
    by_columns.add(request_of(network_of(70), {1, {30, 30, 30}}));
    EXPECT_EQ(widths_of(by_columns.take(start)), (Widths{30, 30})) << "a third has no room";
    EXPECT_EQ(widths_of(by_columns.take(start + wait)), (Widths{30}));
}

TEST(LineQueue, KeepsNetworksApart) {
    const auto one = network_of(), other = network_of();
    LineQueue queue = queue_of(100, 2);
    queue.add(request_of(one, {1, {10, 11}}));
    queue.add(request_of(other, {2, {20}}));
    const std::optional<LineBatch> first = queue.take(start), second = queue.take(start);
    EXPECT_EQ(widths_of(first), (Widths{10, 11}));
    EXPECT_EQ(first->network, one);
    EXPECT_EQ(widths_of(second), (Widths{20}));
    EXPECT_EQ(second->network, other);
}

TEST(LineQueue, SendsFirstWhatSomebodyWaitsFor) {
    const auto one = network_of(), other = network_of();
    LineQueue queue = queue_of(2, 3);
    queue.add(request_of(one, {1, {10, 10}}));
    queue.add(request_of(one, {2, {10, 10}}));
    queue.add(request_of(other, {3, {500}, microseconds(900), true}));
    EXPECT_EQ(widths_of(queue.take(start + wait)), (Widths{500}));
    queue.add(request_of(one, {4, {700}, microseconds(950), true}));
    EXPECT_EQ(widths_of(queue.take(start + wait)), (Widths{700, 10})) << "others fill up its batch";
    EXPECT_EQ(widths_of(queue.take(start + wait)), (Widths{10, 10}));
}

TEST(LineQueue, LetsNobodyWaitForEverBehindThoseThatGoFirst) {
    const auto network = network_of();
    LineQueue queue = queue_of(1, 1);
    queue.add(request_of(network, {1, {10}}));
    for (int i = 0; i < 3; ++i) queue.add(request_of(network, {2, {20}, milliseconds(49), true}));
    EXPECT_EQ(widths_of(queue.take(start + milliseconds(49))), (Widths{20}));
    EXPECT_EQ(widths_of(queue.take(start + milliseconds(50))), (Widths{10})) << "it has grown old";
    EXPECT_EQ(widths_of(queue.take(start + milliseconds(50))), (Widths{20}));
}

TEST(LineQueue, PutsLinesOfLikeLengthTogetherWhereMoreWaitThanFit) {
    const auto network = network_of();
    LineQueue queue = queue_of(3, 2);
    queue.add(request_of(network, {1, {300, 10, 290}}));
    queue.add(request_of(network, {2, {12, 310, 14}}));
    EXPECT_EQ(widths_of(queue.take(start)), (Widths{300, 290, 310})) << "like the one that came first";
    EXPECT_EQ(widths_of(queue.take(start)), (Widths{10, 12, 14}));
}

TEST(LineQueue, TellsWhoIsDoneAndHow) {
    const auto network = network_of();
    LineQueue queue = queue_of(2, 1);
    const auto asked = request_of(network, {1, {10, 20, 30}});
    queue.add(asked);
    const std::optional<LineBatch> first = queue.take(start), second = queue.take(start);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(queue.finish(*first, false).empty()) << "one of its lines is on the card";
    const auto done = queue.finish(*second, true);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0], asked);
    EXPECT_TRUE(asked->failed) << "some of its lines were not read";
}

TEST(LineQueue, ForgetsWhatWaitsOfAnEngineThatHasGone) {
    const auto network = network_of();
    LineQueue queue = queue_of(2, 2);
    const auto gone = request_of(network, {1, {10, 20, 30}}), other = request_of(network, {2, {11}});
    queue.add(gone);
    const std::optional<LineBatch> on_card = queue.take(start);
    queue.add(other);
    queue.drop(1);
    queue.set_engines(1);
    EXPECT_EQ(widths_of(queue.take(start)), (Widths{11}));
    EXPECT_EQ(queue.finish(*on_card, true).size(), 1u) << "what is on the card ends there";
    queue.add(request_of(network, {3, {12}}));
    queue.drop(3);
    EXPECT_FALSE(queue.due());
}

}  // namespace
}  // namespace pg_ocr
