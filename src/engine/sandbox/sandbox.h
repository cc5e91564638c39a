// What the engine gives up, for good, before it sees its first document. Two calls do it; below them are the
// mechanisms, one per file. None of them throws for what the kernel cannot do: it says so, and the worker decides.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace pg_ocr {

struct SandboxSettings {
    pid_t parent = 0;      ///< the process whose end is to be ours
    std::string tessdata;  ///< directory of the models, to stay readable
    uint64_t memory = 0;   ///< bytes of address space
};

/// From now on the kernel kills this process when its parent ends. The first thing to do. False: the parent has ended
/// already, so nobody waits for this process.
bool die_with_parent(pid_t parent);

/// Locks the process in; call it when all that is opened or mapped executable lazily has been used once. Each
/// protection is reported with whether it holds.
std::vector<Protection> enter_sandbox(const SandboxSettings&);

/// limits.cpp: memory, cpu, file_size, processes, open_files, core_dumps.
std::vector<Protection> limit_resources(uint64_t memory);
/// landlock.cpp: reading models, fonts and their like is all that is left of the file system.
Protection restrict_files(const std::string& tessdata);
/// seccomp.cpp: the system calls that reading a document takes, and no others. The last one to call.
Protection filter_system_calls();

}  // namespace pg_ocr
