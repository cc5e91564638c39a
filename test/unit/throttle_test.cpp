#include "worker/throttle.h"

#include <gtest/gtest.h>

#include <vector>

namespace pg_ocr {
namespace {

constexpr uint64_t mb = 1 << 20;

Machine machine_with(double load, uint64_t available_mb = 10000) {
    Machine machine;
    machine.memory = 100000 * mb;
    machine.available = available_mb * mb;
    machine.load = load;
    return machine;
}

/// How many of four workers are allowed after each of these looks.
std::vector<int> allowed(Throttle& throttle, const std::vector<Machine>& looks, const ThrottleLimits& limits) {
    std::vector<int> counts;
    for (const Machine& machine : looks) {
        throttle.look(machine, limits, 4);
        counts.push_back(throttle.allowed(4));
    }
    return counts;
}

using Counts = std::vector<int>;

TEST(Throttle, WithoutLimitsAllRun) {
    Throttle throttle;
    EXPECT_EQ(allowed(throttle, {machine_with(1000, 0)}, {}), Counts{4});
    EXPECT_EQ(throttle.why(), "");
}

TEST(Throttle, WhatIsNotKnownIsNoTrouble) {
    Throttle throttle;
    EXPECT_EQ(allowed(throttle, {Machine{}}, {.load = 1, .memory = mb}), Counts{4});
}

TEST(Throttle, ALoadTakesOneAtATimeDownToOne) {
    Throttle throttle;
    const Machine busy = machine_with(5);
    EXPECT_EQ(allowed(throttle, {busy, busy, busy, busy}, {.load = 4}), (Counts{3, 2, 1, 1}));
    EXPECT_EQ(throttle.reason(), Throttle::Reason::load);
    EXPECT_EQ(throttle.why(), "the machine's load is 5, and pg_ocr.max_load 4");
}

TEST(Throttle, BetweenTheLimitAndFourFifthsOfItNothingChanges) {
    Throttle throttle;
    const ThrottleLimits limits{.load = 4};
    EXPECT_EQ(allowed(throttle, {machine_with(4), machine_with(3.9)}, limits), (Counts{4, 4}));
    EXPECT_EQ(allowed(throttle, {machine_with(5), machine_with(5), machine_with(3.9), machine_with(3.3)}, limits),
              (Counts{3, 2, 2, 2}));
    EXPECT_EQ(allowed(throttle, {machine_with(3.1), machine_with(3.9), machine_with(3)}, limits), (Counts{3, 3, 4}));
    EXPECT_EQ(throttle.why(), "");
}

TEST(Throttle, WithoutMemoryAllButOneGoAndComeBackOneByOne) {
    Throttle throttle;
    const ThrottleLimits limits{.load = 0, .memory = 400 * mb};
    EXPECT_EQ(allowed(throttle, {machine_with(9, 400), machine_with(9, 399)}, limits), (Counts{4, 1}));
    EXPECT_EQ(throttle.why(), "the machine has 399 MB of memory to spare, and pg_ocr.min_available_memory is 400 MB");
    EXPECT_EQ(allowed(throttle,
                      {machine_with(9, 500), machine_with(9, 501), machine_with(9, 501), machine_with(9, 501)}, limits),
              (Counts{1, 2, 3, 4}));
}

TEST(Throttle, BothTogether) {
    Throttle throttle;
    const ThrottleLimits limits{.load = 4, .memory = 400 * mb};
    EXPECT_EQ(
        allowed(throttle, {machine_with(5, 300), machine_with(5, 1000), machine_with(1, 450), machine_with(1, 600)},
                limits),
        (Counts{1, 1, 1, 2}));
    EXPECT_EQ(throttle.reason(), Throttle::Reason::load);
}

TEST(Throttle, ALimitThatIsTakenAwayHoldsNobodyBack) {
    Throttle throttle;
    allowed(throttle, {machine_with(5), machine_with(5), machine_with(5)}, {.load = 4, .memory = mb});
    EXPECT_EQ(allowed(throttle, {machine_with(5)}, {.load = 0, .memory = mb}), Counts{4});
    allowed(throttle, {machine_with(5, 0)}, {.load = 0, .memory = mb});
    EXPECT_EQ(allowed(throttle, {machine_with(1, 0)}, {.load = 4, .memory = 0}), Counts{4});
    EXPECT_EQ(throttle.why(), "");
}

TEST(Throttle, OneWorkerStaysAndNoneIsNone) {
    Throttle throttle;
    throttle.look(machine_with(5, 0), {.load = 4, .memory = mb}, 1);
    EXPECT_EQ(throttle.allowed(1), 1);
    EXPECT_EQ(throttle.why(), "") << "nobody is held back";
    throttle.look(machine_with(5, 0), {.load = 4, .memory = mb}, 4);
    EXPECT_EQ(throttle.allowed(0), 0);
    EXPECT_EQ(throttle.allowed(4), 1);
}

}  // namespace
}  // namespace pg_ocr
