#include "worker/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pg_ocr {
namespace {

constexpr uint64_t mb = 1 << 20;

/// A proc and a sys as the kernel would show them.
class MachineTest : public testing::Test {
  protected:
    MachineTest() { std::filesystem::remove_all(root_); }
    ~MachineTest() override { std::filesystem::remove_all(root_); }

    void say(const std::string& path, const std::string& content) const {
        std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
        std::ofstream(root_ + path) << content;
    }
    void say_memory() const { say("/proc/meminfo", "MemTotal:  1024000 kB\nMemFree: 1 kB\nMemAvailable: 512000 kB\n"); }

    const std::string root_ = testing::TempDir() + "machine";
};

TEST_F(MachineTest, WithoutAnyFilesNothingOfMemoryIsKnown) {
    const Machine machine = look_at_machine(root_);
    EXPECT_FALSE(machine.memory);
    EXPECT_FALSE(machine.available);
    ASSERT_TRUE(machine.load);
    EXPECT_GE(*machine.load, 0);
}

TEST_F(MachineTest, ThisOneHasMemory) {
    const Machine machine = look_at_machine();
    ASSERT_TRUE(machine.memory && machine.available);
    EXPECT_GT(*machine.available, 0u);
    EXPECT_LE(*machine.available, *machine.memory);
}

TEST_F(MachineTest, TheWholeMachineWhereNoGroupHasALimit) {
    say_memory();
    say("/proc/self/cgroup", "4:memory:/old\n0::/system.slice/postgresql.service\n");
    say("/sys/fs/cgroup/system.slice/postgresql.service/memory.max", "max\n");
    say("/sys/fs/cgroup/system.slice/postgresql.service/memory.current", "4096\n");
    const Machine machine = look_at_machine(root_);
    EXPECT_EQ(machine.memory, 1000 * mb);
    EXPECT_EQ(machine.available, 500 * mb);
}

TEST_F(MachineTest, FilesInMemoryMakeRoomInAGroup) {
    say_memory();
    say("/proc/self/cgroup", "0::/a/b\n");
    say("/sys/fs/cgroup/a/b/memory.max", std::to_string(300 * mb));
    say("/sys/fs/cgroup/a/b/memory.current", std::to_string(290 * mb));
    say("/sys/fs/cgroup/a/b/memory.stat",
        "anon 1\nactive_file " + std::to_string(30 * mb) + "\ninactive_file " + std::to_string(20 * mb) + "\n");
    const Machine machine = look_at_machine(root_);
    EXPECT_EQ(machine.memory, 300 * mb);
    EXPECT_EQ(machine.available, 60 * mb);
}

TEST_F(MachineTest, TheGroupsAboveLimitToo) {
    say_memory();
    say("/proc/self/cgroup", "0::/a/b\n");
    say("/sys/fs/cgroup/a/b/memory.max", std::to_string(300 * mb));
    say("/sys/fs/cgroup/a/b/memory.current", std::to_string(100 * mb));
    say("/sys/fs/cgroup/a/memory.max", std::to_string(400 * mb));
    say("/sys/fs/cgroup/a/memory.current", std::to_string(500 * mb));
    const Machine machine = look_at_machine(root_);
    EXPECT_EQ(machine.memory, 300 * mb);
    EXPECT_EQ(machine.available, 0u) << "more than its limit, which was lowered";
}

TEST_F(MachineTest, AContainerSeesItsOwnGroupAsTheRoot) {
    say_memory();
    for (const char* group : {"0::/\n", "0::/../../other\n"}) {
        say("/proc/self/cgroup", group);
        say("/sys/fs/cgroup/memory.max", std::to_string(200 * mb));
        say("/sys/fs/cgroup/memory.current", std::to_string(50 * mb));
        EXPECT_EQ(look_at_machine(root_).available, 150 * mb) << group;
    }
}

TEST_F(MachineTest, WhatMakesNoSenseIsNotHeeded) {
    say("/proc/meminfo", "MemTotal:  much\nMemAvailable: -\n\n");
    say("/proc/self/cgroup", "0::nowhere\n0::\nx\n");
    say("/sys/fs/cgroup/memory.max", "99999999999999999999999999\n");
    say("/sys/fs/cgroup/memory.current", "x\n");
    const Machine machine = look_at_machine(root_);
    EXPECT_FALSE(machine.memory);
    EXPECT_FALSE(machine.available);
}

}  // namespace
}  // namespace pg_ocr
