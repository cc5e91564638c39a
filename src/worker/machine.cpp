#include "worker/machine.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace pg_ocr {
namespace {

/// The number behind a name in lines such as "MemTotal:  24683212 kB" and "inactive_file 4096".
std::optional<uint64_t> number_of(const std::string& path, const std::string& name) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string first;
        uint64_t number = 0;
        if (words >> first && first == name && words >> number) return number;
    }
    return std::nullopt;
}

/// Nothing also for "max".
std::optional<uint64_t> number_in(const std::string& path) {
    std::ifstream file(path);
    uint64_t number = 0;
    if (file >> number) return number;
    return std::nullopt;
}

void lower(std::optional<uint64_t>& to, uint64_t value) { to = std::min(to.value_or(value), value); }

/// The path of this process' group below the mount point of cgroup v2, "" for the root of what it sees.
std::string own_group(const std::string& root) {
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("0::/", 0) == 0 && line.find("/..") == std::string::npos) return line.substr(3);
    return "";
}

/// What was read from files, and not changed since, goes when memory is needed for something else.
void heed_group(Machine& machine, const std::string& folder) {
    const std::optional<uint64_t> most = number_in(folder + "/memory.max");
    const std::optional<uint64_t> current = number_in(folder + "/memory.current");
    if (!most || !current) return;
    const std::string details = folder + "/memory.stat";
    const uint64_t files =
        number_of(details, "inactive_file").value_or(0) + number_of(details, "active_file").value_or(0);
    const uint64_t used = *current - std::min(*current, files);
    lower(machine.memory, *most);
    lower(machine.available, *most - std::min(*most, used));
}

}  // namespace

Machine look_at_machine(const std::string& root) {
    Machine machine;
    const std::string memory = root + "/proc/meminfo";
    if (const auto total = number_of(memory, "MemTotal:")) machine.memory = *total << 10;
    if (const auto available = number_of(memory, "MemAvailable:")) machine.available = *available << 10;
    const std::string mount = root + "/sys/fs/cgroup";
    for (std::string group = own_group(root);; group.resize(group.rfind('/'))) {
        heed_group(machine, mount + group);
        if (group.find('/') == std::string::npos) break;
    }
    struct sysinfo now {};
    if (sysinfo(&now) == 0) machine.load = static_cast<double>(now.loads[0]) / (1 << SI_LOAD_SHIFT);
    return machine;
}

}  // namespace pg_ocr
