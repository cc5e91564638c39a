// What a fuzzer checks besides memory: that a promise of the code under test holds.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace pg_ocr {

/// Ends the fuzzer with the promise in words where it does not hold; libFuzzer then keeps the input.
inline void promise(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "BROKEN PROMISE: %s\n", what);
    std::abort();
}

}  // namespace pg_ocr
