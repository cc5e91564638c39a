// What a child gives up, for good, before it sees its first untrusted byte: the engine its network, pg_ocr_http its
// files. Two calls do it; below them are the mechanisms, one per file. None of them throws for what the kernel cannot
// do: it says so, and the worker decides.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace pg_ocr {

enum class Profile : uint8_t {
    engine,   ///< reads models and fonts; no network, no threads, no other file
    network,  ///< sockets, threads, memory files, and what name resolution reads; no other file
};

struct SandboxSettings {
    Profile profile = Profile::engine;
    pid_t parent = 0;      ///< the process whose end is to be ours
    uint64_t memory = 0;   ///< bytes of address space
    std::string tessdata;  ///< engine: directory of the models, to stay readable
};

/// From now on the kernel kills this process when its parent ends. The first thing to do. False: the parent has ended
/// already, so nobody waits for this process.
bool die_with_parent(pid_t parent);

/// Locks the process in; call it when all that is opened or mapped executable lazily has been used once. Each
/// protection is reported with whether it holds.
std::vector<Protection> enter_sandbox(const SandboxSettings&);

/// limits.cpp: memory, open_files, core_dumps; of an engine also cpu, file_size and processes.
std::vector<Protection> limit_resources(const SandboxSettings&);
/// landlock.cpp: what the profile reads is all that is left of the file system.
Protection restrict_files(const SandboxSettings&);
/// seccomp.cpp: the system calls that the profile takes, and no others. The last one to call.
Protection filter_system_calls(Profile);

}  // namespace pg_ocr
