// What stock_network.cpp writes and network_bench.cpp reads: of each line a Record, its grey pixels, its scores.
#pragma once

#include <cstdint>
#include <ctime>

struct Record {
    double seconds;  ///< of CPU time, in stock's network
    uint32_t width;
    uint32_t height;
    uint32_t steps;
    uint32_t classes;
};

inline double cpu_seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
