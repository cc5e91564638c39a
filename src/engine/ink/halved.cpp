#include "engine/ink/halved.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "engine/ink/ink_kernels.h"

namespace pg_ocr {

Pixels halved(PIX* ink, uint32_t rank) {
    if (pixGetDepth(ink) != 1 || rank < 1 || rank > 4) throw std::invalid_argument("only ink can be halved, by 1 to 4");
    const l_int32 width = pixGetWidth(ink), height = pixGetHeight(ink);
    Pixels half(pixCreateNoInit(std::max(1, width / 2), std::max(1, height / 2), 1));
    if (!half) throw std::bad_alloc();
    if (width == 1) pixSetPadBits(ink, 0);  // there, they are halves of squares
    const PixelRows rows{pixGetData(ink), static_cast<size_t>(pixGetWpl(ink)), static_cast<size_t>(width),
                         static_cast<size_t>(height)};
    best_ink_kernels().halve(rows, rank, pixGetData(half.get()), static_cast<size_t>(pixGetWpl(half.get())));
    pixSetResolution(half.get(), pixGetXRes(ink) / 2, pixGetYRes(ink) / 2);
    return half;
}

}  // namespace pg_ocr
