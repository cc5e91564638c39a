// For every CPU.
#include "engine/ink/kernels_of.h"

namespace pg_ocr {
namespace {

struct Words {
    static constexpr size_t pixels = 32;
    static bool all_are(const uint32_t* words, uint32_t grey) {
        uint32_t others = 0;
        for (size_t i = 0; i < pixels / greys_in_word; ++i) others |= words[i] ^ grey * 0x01010101u;
        return others == 0;
    }
    static void find_darker(const uint32_t* words, uint8_t grey, uint32_t flipped, uint32_t* to) {
        // The difference's sign, so that there is nothing to guess.
        const auto darker = [grey](uint32_t value) { return ((value & 0xff) - grey) >> 31; };
        uint32_t ink = 0;
        for (size_t i = 0; i < pixels / greys_in_word; ++i)
            ink = ink << 4 | darker(words[i] >> 24) << 3 | darker(words[i] >> 16) << 2 | darker(words[i] >> 8) << 1 |
                  darker(words[i]);
        *to = ink ^ flipped;
    }
};

}  // namespace

constinit const InkKernels portable_ink = kernels_of<Words>("portable", [] { return true; });

}  // namespace pg_ocr
