// Pages of a PDF that are one image, a scan most often, as the pixels that are stored.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "document/document.h"
#include "engine/read/bytes.h"
#include "engine/read/reader.h"

namespace pg_ocr {

/// What is known of a page from elsewhere: it has to agree.
struct ShownPage {
    uint32_t page_no = 0;          ///< from 1
    uint32_t pages = 0;            ///< of the document
    double width = 0, height = 0;  ///< in points, before it is turned
    int32_t rotation = 0;          ///< degrees clockwise
};

class ScannedPages {
  public:
    /// Opens nothing yet. The bytes must stay.
    ScannedPages(Bytes document, std::string password);
    ~ScannedPages();
    ScannedPages(const ScannedPages&) = delete;
    ScannedPages& operator=(const ScannedPages&) = delete;

    /// The page as drawing it would show it, upright: in the image's own resolution, or near 300 to the inch where that
    /// is far from it. Nothing where the page is not certain to show just one image, which is stored in a way that is
    /// understood, where there are more pixels than the limits allow, or the document is damaged.
    std::optional<PageImage> image_of(const ShownPage&, const Limits&);

  private:
    struct Opened;
    Bytes document_;
    std::string password_;
    std::unique_ptr<Opened> opened_;
    bool is_usable_ = true;
};

}  // namespace pg_ocr
