// Leptonica's image as a value that frees itself.
#pragma once

#include <allheaders.h>

#include <memory>

namespace pg_ocr {

struct PixDestroyer {
    void operator()(PIX* pix) const { pixDestroy(&pix); }
};
using Pixels = std::unique_ptr<PIX, PixDestroyer>;

}  // namespace pg_ocr
