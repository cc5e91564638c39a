#include "engine/draw/page_image.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "engine/document_error.h"
#include "engine/read/document_type.h"
#include "engine/read/turn.h"

namespace pg_ocr {
namespace {

constexpr double most_pixels = 6e6;
constexpr int jpeg_quality = 70;

struct Size {
    int32_t width = 0, height = 0;
};

Size size_of(const PageView& view, int32_t dpi) {
    const double pixels = static_cast<double>(view.width) * view.height;
    const double scale = std::min({1.0, static_cast<double>(dpi) / view.dpi, std::sqrt(most_pixels / pixels)});
    auto side = [scale](int32_t length) { return std::max(1, static_cast<int32_t>(std::lround(length * scale))); };
    return {side(view.width), side(view.height)};
}

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

/// Words would stand anywhere on another page. Sides of a PDF's page are rounded, in fewer pixels than the view has.
void check_shape(PIX* pixels, const PageView& view) {
    constexpr double rounding = 3;
    const double width = pixGetWidth(pixels), height = pixGetHeight(pixels);
    const double scale = width / view.width;
    if (std::fabs(height - view.height * scale) > rounding * std::max(1.0, scale))
        throw DocumentError(ErrorCode::document_damaged, "this is not the document that was read: its page " +
                                                             std::to_string(view.page_no) + " has another shape");
}

Pixels scaled(Pixels pixels, Size size) {
    if (pixGetDepth(pixels.get()) == 1) pixels = made(pixConvert1To8(nullptr, pixels.get(), 255, 0));
    if (pixGetWidth(pixels.get()) == size.width && pixGetHeight(pixels.get()) == size.height) return pixels;
    return made(pixScaleToSize(pixels.get(), size.width, size.height));
}

Pixels straightened(Pixels pixels, float skew) {
    constexpr double pi = 3.14159265358979323846;
    if (skew == 0) return pixels;
    const auto angle = static_cast<float>(static_cast<double>(skew) * pi / 180);
    return made(pixRotate(pixels.get(), angle, L_ROTATE_AREA_MAP, L_BRING_IN_WHITE, 0, 0));
}

using Encoded = std::unique_ptr<l_uint8, decltype(&std::free)>;

std::string bytes_of(l_uint8* data, size_t size, bool failed) {
    const Encoded encoded(data, &std::free);
    if (failed || data == nullptr) throw std::bad_alloc();
    return {reinterpret_cast<const char*>(encoded.get()), size};
}

std::string png_of(PIX* pixels) {
    l_uint8* data = nullptr;
    size_t size = 0;
    const bool failed = pixWriteMemPng(&data, &size, pixels, 0) != 0;
    return bytes_of(data, size, failed);
}

std::string jpeg_of(PIX* pixels) {
    l_uint8* data = nullptr;
    size_t size = 0;
    constexpr int progressive = 0;
    const bool failed = pixWriteMemJpeg(&data, &size, pixels, jpeg_quality, progressive) != 0;
    return bytes_of(data, size, failed);
}

struct ImageFile {
    std::string type, bytes;
};

ImageFile file_of(PIX* pixels, bool was_bilevel) {
    // Of black and white no more than some greys are left, which a PNG has in half of the bits.
    constexpr int greys = 16;
    ImageFile png{"image/png", png_of(was_bilevel ? made(pixThresholdTo4bpp(pixels, greys, 1)).get() : pixels)};
    ImageFile jpeg{"image/jpeg", jpeg_of(pixels)};
    return jpeg.bytes.size() < png.bytes.size() ? jpeg : png;
}

}  // namespace

std::string picture_of(Pixels pixels, int32_t dpi) {
    const bool is_bilevel = pixGetDepth(pixels.get()) == 1;
    PageView view;
    view.width = pixGetWidth(pixels.get());
    view.height = pixGetHeight(pixels.get());
    view.dpi = dpi;
    return file_of(scaled(std::move(pixels), size_of(view, dpi_of_kept_pictures)).get(), is_bilevel).bytes;
}

Drawn draw_page(Reader& reader, const PageView& view, int32_t dpi, ReadRequest& asked) {
    if (view.page_no == 0 || view.page_no > reader.pages())
        throw DocumentError(ErrorCode::document_damaged, "this is not the document that was read: it has " +
                                                             std::to_string(reader.pages()) + " pages");
    if (view.width <= 0 || view.height <= 0 || view.dpi <= 0 || dpi <= 0)
        throw DocumentError(ErrorCode::page_damaged, "the page has no size");
    asked.dpi = std::min(dpi, view.dpi);
    PageImage image = reader.image_of(view.page_no);
    const bool is_bilevel = pixGetDepth(image.pixels.get()) == 1;
    image.pixels = turned(std::move(image.pixels), {false, (view.rotation - image.rotation + 720) % 360});
    check_shape(image.pixels.get(), view);
    const Size size = size_of(view, dpi);
    const Pixels pixels = straightened(scaled(std::move(image.pixels), size), view.skew);

    Drawn drawn;
    drawn.page_no = view.page_no;
    drawn.width = size.width;
    drawn.height = size.height;
    ImageFile file = file_of(pixels.get(), is_bilevel);
    drawn.type = std::move(file.type);
    drawn.bytes = std::move(file.bytes);
    return drawn;
}

void draw_document(const uint8_t* data, size_t size, const DrawRequest& request,
                   const std::function<void(const Drawn&)>& tell) {
    ReadRequest asked;
    asked.password = request.password;
    asked.limits = request.limits;
    asked.dpi = request.dpi;
    const Bytes bytes(data, size);
    const std::unique_ptr<Reader> reader = open_document(document_type(bytes), bytes, asked);
    for (const PageView& view : request.pages) {
        Drawn drawn;
        drawn.page_no = view.page_no;
        try {
            drawn = draw_page(*reader, view, request.dpi, asked);
        } catch (const DocumentError& error) {
            drawn.failure = error.failure;
        } catch (const std::bad_alloc&) {
            drawn.failure = page_out_of_memory();
        }
        tell(drawn);
    }
}

}  // namespace pg_ocr
