#include "engine/read/image.h"

#include <cmath>
#include <new>
#include <utility>
#include <vector>

#include "engine/read/decode.h"
#include "engine/read/exif.h"
#include "engine/read/resolution.h"
#include "engine/read/tiff_directory.h"
#include "engine/read/tiff_page.h"
#include "engine/read/turn.h"

namespace pg_ocr {
namespace {

/// Takes what a leptonica call made; it gives nothing only when memory is short.
Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

/// Fax machines write twice as many pixels to the inch across as down: letters look squeezed until they are stretched.
/// Both resolutions are per inch, 0 where unknown; afterwards they are one. A page that would get too long for
/// Tesseract stays as it is.
Pixels squared(Pixels pixels, double horizontal, double vertical) {
    if (horizontal <= 0 || vertical <= 0) return pixels;
    constexpr double noticeable = 1.1, credible = 4;
    double ratio = horizontal / vertical;
    if (std::max(ratio, 1 / ratio) < noticeable || std::max(ratio, 1 / ratio) > credible) return pixels;
    auto across = static_cast<float>(std::max(1.0, 1 / ratio)), down = static_cast<float>(std::max(1.0, ratio));
    const double longest = std::max(std::ceil(across * static_cast<float>(pixGetWidth(pixels.get()))),
                                    std::ceil(down * static_cast<float>(pixGetHeight(pixels.get()))));
    if (longest > longest_side) return pixels;
    return made(pixScale(pixels.get(), across, down));
}

int32_t resolution_of(PIX* pixels, double said, const ReadRequest& request) {
    if (request.dpi > 0) return request.dpi;
    int32_t credible = credible_resolution(said, pixGetWidth(pixels), pixGetHeight(pixels));
    return credible != 0 ? credible : estimated_resolution(pixels);
}

class ImageReader final : public Reader {
  public:
    ImageReader(DocumentType type, Bytes bytes, const ReadRequest& request)
        : type_(type), bytes_(bytes), request_(request) {}
    uint32_t pages() const override { return 1; }
    std::optional<PageText> text_of(uint32_t) override { return std::nullopt; }

    PageImage image_of(uint32_t) override {
        ImageSize size = image_size(type_, bytes_);
        check_page_size(size.width, size.height, request_);
        Exif exif = exif_of(type_, bytes_);
        Pixels pixels = decode_grey(type_, bytes_);
        double horizontal = pixGetXRes(pixels.get()), vertical = pixGetYRes(pixels.get());
        pixels = squared(std::move(pixels), horizontal, vertical);
        PageImage page;
        Turn turn = turn_of(exif.orientation);
        page.pixels = turned(std::move(pixels), turn);
        page.rotation = turn.degrees;
        double said = std::max(horizontal, vertical);
        page.dpi = resolution_of(page.pixels.get(), said > 0 ? said : exif.resolution, request_);
        return page;
    }

  private:
    DocumentType type_;
    Bytes bytes_;
    const ReadRequest& request_;
};

class TiffReader final : public Reader {
  public:
    TiffReader(Bytes bytes, const ReadRequest& request) : bytes_(bytes), request_(request), found_(tiff_pages(bytes)) {
        if (found_.pages.empty())
            throw DocumentError(ErrorCode::document_damaged,
                                "the TIFF has no page that can be found" +
                                    (found_.damage.empty() ? std::string() : ": " + found_.damage));
    }

    /// Where the chain is broken, what lies behind is one more page, which fails.
    uint32_t pages() const override {
        return static_cast<uint32_t>(found_.pages.size() + (found_.damage.empty() ? 0 : 1));
    }

    std::optional<PageText> text_of(uint32_t) override { return std::nullopt; }

    PageImage image_of(uint32_t page_no) override {
        if (page_no > found_.pages.size())
            throw DocumentError(ErrorCode::page_damaged, "the TIFF's chain of pages is broken after page " +
                                                             std::to_string(found_.pages.size()) + ": " +
                                                             found_.damage);
        const TiffPage& stored = found_.pages[page_no - 1];
        check_page_size(stored.width, stored.height, request_);
        PageImage page;
        Pixels pixels = decode_tiff_page(bytes_, stored);
        page.rotation = turn_of(stored.orientation).degrees;
        double across = stored.horizontal_resolution, down = stored.vertical_resolution;
        if (page.rotation % 180 != 0) std::swap(across, down);
        page.pixels = squared(grey(std::move(pixels)), across, down);
        page.dpi = resolution_of(page.pixels.get(), std::max(across, down), request_);
        return page;
    }

  private:
    Bytes bytes_;
    const ReadRequest& request_;
    TiffPages found_;
};

}  // namespace

std::unique_ptr<Reader> open_image(DocumentType type, Bytes bytes, const ReadRequest& request) {
    if (type == DocumentType::tiff) return std::make_unique<TiffReader>(bytes, request);
    return std::make_unique<ImageReader>(type, bytes, request);
}

}  // namespace pg_ocr
