#include "fuzz/same_picture.h"

#include <algorithm>

#include "engine/read/decode.h"
#include "engine/read/png.h"
#include "engine/read/pnm.h"
#include "fuzz/promise.h"

namespace pg_ocr {

bool compare_with_leptonica(DocumentType type, Bytes bytes) {
    constexpr int64_t most_pixels = 300000;
    const ImageSize size = image_size(type, bytes);
    if (size.width > most_pixels || size.height > most_pixels || size.width * size.height > most_pixels) return false;
    const Pixels ours = type == DocumentType::png ? grey_of_png(bytes) : grey_of_pnm(bytes);
    if (!ours) return false;
    Pixels theirs;
    try {
        theirs = decode_image(type, bytes);
    } catch (const DocumentError&) {  // it refuses some that are sound
        return true;
    }
    promise(pixGetXRes(ours.get()) == pixGetXRes(theirs.get()) && pixGetYRes(ours.get()) == pixGetYRes(theirs.get()),
            "the resolution is what Leptonica finds");
    theirs = grey(std::move(theirs));
    promise(pixGetWidth(ours.get()) == pixGetWidth(theirs.get()) &&
                pixGetHeight(ours.get()) == pixGetHeight(theirs.get()) &&
                pixGetDepth(ours.get()) == pixGetDepth(theirs.get()),
            "a picture is as large and as deep as Leptonica's");
    const uint32_t* words = pixGetData(ours.get());
    promise(std::equal(words, words + ptrdiff_t{pixGetWpl(ours.get())} * pixGetHeight(ours.get()),
                       pixGetData(theirs.get())),
            "its pixels are Leptonica's");
    return true;
}

}  // namespace pg_ocr
