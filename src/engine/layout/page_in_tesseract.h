// A page while Tesseract has it.
#pragma once

#include <tesseract/baseapi.h>

#include "engine/read/reader.h"

namespace pg_ocr {

/// A page was not recognised when its time was up.
struct TimeIsUp {};

/// Forgets the page at the end, so that pages do not colour each other and memory stays flat.
class PageInTesseract {
  public:
    PageInTesseract(tesseract::TessBaseAPI& tesseract, PageImage& page, int32_t page_segmentation_mode)
        : tesseract_(tesseract) {
        tesseract_.SetPageSegMode(static_cast<tesseract::PageSegMode>(page_segmentation_mode));
        tesseract_.SetImage(page.pixels.get());
        tesseract_.SetSourceResolution(page.dpi);
        page.pixels.reset();
    }
    ~PageInTesseract() {
        tesseract_.Clear();
        tesseract_.ClearAdaptiveClassifier();
    }
    PageInTesseract(const PageInTesseract&) = delete;
    PageInTesseract& operator=(const PageInTesseract&) = delete;

  private:
    tesseract::TessBaseAPI& tesseract_;
};

}  // namespace pg_ocr
