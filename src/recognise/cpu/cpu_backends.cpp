#include "recognise/cpu/cpu_backends.h"

#include <new>

#include "recognise/cpu/forward.h"

namespace pg_ocr::recognise {
namespace {

const PackedNetwork& packed(const BackendNetwork* network) { return *reinterpret_cast<const PackedNetwork*>(network); }

template <const Kernels& of_integers, const Kernels& of_floats>
constexpr Backend backend_of(const char* name, bool (*runs_here)()) {
    return {
        .version = backend_version,
        .name = name,
        .runs_here = runs_here,
        .compile = [](const Network* network) -> BackendNetwork* {
            try {
                return reinterpret_cast<BackendNetwork*>(pack(*network, of_integers, of_floats).release());
            } catch (const std::bad_alloc&) {
                return nullptr;
            }
        },
        .release =
            [](BackendNetwork* network) {
                std::unique_ptr<PackedNetwork>(reinterpret_cast<PackedNetwork*>(network)).reset();
            },
        .bytes = [](const BackendNetwork* network) { return packed(network).bytes(); },
        .forward =
            [](const BackendNetwork* network, const LinePixels* lines, size_t count, float* const* scores) {
                try {
                    forward(packed(network), {lines, count}, scores);
                    return true;
                } catch (const std::bad_alloc&) {
                    return false;
                }
            },
    };
}

}  // namespace

constinit const Backend portable_backend =
    backend_of<portable_integers, portable_floats>("portable", [] { return true; });

#ifdef __x86_64__
constinit const Backend avx2_backend = backend_of<avx2_integers, avx2_floats>(
    "AVX2", [] { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; });
constinit const Backend avx512_backend = backend_of<avx512_integers, avx512_floats>("AVX512-VNNI", [] {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512vnni") != 0;
});
#endif

}  // namespace pg_ocr::recognise
