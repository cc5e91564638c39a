// Preloaded into tesseract: writes what its network reads, says and costs, line by line, to the file $RECORD. See
// network_bench.h for the records. Its internals are not public: this fits the 5.3 of Debian, whose library exports
// them.
#include <dlfcn.h>
#include <leptonica/allheaders.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "network_bench.h"

namespace {

/// What tesseract::NetworkIO begins with: the scores, a matrix.
struct Outputs {
    void* methods;
    float* values;
    float empty;
    int32_t steps;
    int32_t classes;
};

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::vector<uint8_t> pixels;
Record record;
int depth = 0;

}  // namespace

#define PREPARE_INPUT _ZN9tesseract5Input15PreparePixInputERKNS_11StaticShapeENS_5ImageEPNS_5TRandEPNS_9NetworkIOE
#define FORWARD _ZN9tesseract6Series7ForwardEbRKNS_9NetworkIOEPKNS_15TransposedArrayEPNS_14NetworkScratchEPS1_
#define NAME_OF(symbol) #symbol
#define NAME(symbol) NAME_OF(symbol)

extern "C" void PREPARE_INPUT(const void* shape, Pix* line, void* random, void* to) {
    Pix* grey = pixGetDepth(line) == 8 ? pixClone(line) : pixConvertTo8(line, 0);
    record.width = static_cast<uint32_t>(pixGetWidth(grey));
    record.height = static_cast<uint32_t>(pixGetHeight(grey));
    pixels.clear();
    for (uint32_t y = 0; y < record.height; ++y)
        for (uint32_t x = 0; x < record.width; ++x) {
            l_uint32 value = 0;
            pixGetPixel(grey, static_cast<int>(x), static_cast<int>(y), &value);
            pixels.push_back(static_cast<uint8_t>(value));
        }
    pixDestroy(&grey);
    static auto* const stock = next<void(const void*, Pix*, void*, void*)>(NAME(PREPARE_INPUT));
    stock(shape, line, random, to);
}

extern "C" void FORWARD(void* layers, bool debug, const void* input, const void* transposed, void* scratch,
                        const Outputs* output) {
    static auto* const stock = next<void(void*, bool, const void*, const void*, void*, const Outputs*)>(NAME(FORWARD));
    const double start = cpu_seconds();
    ++depth;
    stock(layers, debug, input, transposed, scratch, output);
    if (--depth > 0) return;  // layers within the network
    record.seconds = cpu_seconds() - start;
    record.steps = static_cast<uint32_t>(output->steps);
    record.classes = static_cast<uint32_t>(output->classes);
    static FILE* const file = std::fopen(std::getenv("RECORD"), "ab");
    if (file == nullptr || std::fwrite(&record, sizeof record, 1, file) != 1 ||
        std::fwrite(pixels.data(), 1, pixels.size(), file) != pixels.size() ||
        std::fwrite(output->values, sizeof(float) * record.classes, record.steps, file) != record.steps ||
        std::fflush(file) != 0) {
        std::perror("the record of lines");
        std::exit(1);
    }
}
