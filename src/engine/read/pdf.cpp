#include "engine/read/pdf.h"

#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-image.h>
#include <poppler-page-renderer.h>
#include <poppler-page.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <string_view>

#include "engine/pdf/scanned_pages.h"
#include "engine/read/text_layer.h"

namespace pg_ocr {
namespace {

constexpr double points_per_inch = 72;
constexpr int32_t default_dpi = 300;
constexpr int32_t lowest_dpi = 70;  ///< below that no text is legible

/// Fine enough to tell lines of text from pictures, and rendered in a few milliseconds.
constexpr int32_t survey_dpi = 100;

/// A page with one word in a font that is not embedded: it makes poppler ask fontconfig for one.
constexpr std::string_view one_word_pdf =
    "%PDF-1.4\n"
    "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
    "4 0 obj<</Length 31>>stream\nBT /F 12 Tf 9 9 Td (word) Tj ET\nendstream endobj\n"
    "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
    "trailer<</Root 1 0 R>>\n";

std::unique_ptr<poppler::document> load(const char* data, size_t size, const std::string& password) {
    return std::unique_ptr<poppler::document>(
        poppler::document::load_from_raw_data(data, static_cast<int>(size), password, password));
}

std::unique_ptr<poppler::page> page_of(const poppler::document& document, uint32_t page_no) {
    std::unique_ptr<poppler::page> page(document.create_page(static_cast<int>(page_no - 1)));
    if (!page) throw DocumentError(ErrorCode::page_damaged, "the PDF's page cannot be found; repair the PDF");
    return page;
}

int32_t rotation_of(const poppler::page& page) {
    switch (page.orientation()) {
        case poppler::page::landscape:
            return 90;
        case poppler::page::upside_down:
            return 180;
        case poppler::page::seascape:
            return 270;
        case poppler::page::portrait:
            break;
    }
    return 0;
}

/// A page's size as it is shown, in points.
struct PageSize {
    double width = 0, height = 0;
    double pixels_across(double dpi) const { return width * dpi / points_per_inch; }
    double pixels_down(double dpi) const { return height * dpi / points_per_inch; }
};

PageSize size_of(const poppler::page& page) {
    poppler::rectf box = page.page_rect();
    PageSize size{std::fabs(box.width()), std::fabs(box.height())};
    if (rotation_of(page) % 180 != 0) std::swap(size.width, size.height);
    if (!(size.width > 0 && size.height > 0 && std::isfinite(size.width) && std::isfinite(size.height)))
        throw DocumentError(ErrorCode::page_damaged, "the PDF's page has no area; repair the PDF");
    return size;
}

/// What was asked for, or as much less as keeps the page within its limits.
int32_t dpi_for(const PageSize& size, const ReadRequest& request) {
    double wanted = request.dpi > 0 ? request.dpi : default_dpi;
    double across = size.pixels_across(wanted), down = size.pixels_down(wanted);
    double shrink = std::min(1.0, (longest_side - 1) / std::max(across, down));
    if (request.limits.page_pixels != 0)
        shrink = std::min(shrink, std::sqrt(static_cast<double>(request.limits.page_pixels) / (across * down)));
    double dpi = std::floor(wanted * shrink);
    // Boxes may be of any size, also of one that has no number in pixels.
    auto side = [](double pixels) { return static_cast<int64_t>(std::ceil(std::min(pixels, 1e15))); };
    if (shrink < 1 && dpi < lowest_dpi)
        check_page_size(side(size.pixels_across(lowest_dpi)), side(size.pixels_down(lowest_dpi)), request);
    return std::max(1, static_cast<int32_t>(dpi));
}

/// The page in 8-bit grey. Poppler answers a lack of memory with an image of one pixel.
Pixels render(const poppler::page& page, const PageSize& size, int32_t dpi) {
    poppler::page_renderer renderer;
    renderer.set_image_format(poppler::image::format_gray8);
    renderer.set_render_hint(poppler::page_renderer::antialiasing);
    renderer.set_render_hint(poppler::page_renderer::text_antialiasing);
    poppler::image image = renderer.render_page(&page, dpi, dpi);
    constexpr double rounding = 2;
    if (!image.is_valid() || image.format() != poppler::image::format_gray8 ||
        std::fabs(image.width() - size.pixels_across(dpi)) > rounding ||
        std::fabs(image.height() - size.pixels_down(dpi)) > rounding)
        throw DocumentError(ErrorCode::engine_memory,
                            "the page could not be rendered within the engine's memory; raise pg_ocr.engine_memory or "
                            "ask for fewer pixels with options => '{\"dpi\": 150}'");
    Pixels pixels(pixCreateNoInit(image.width(), image.height(), 8));
    if (!pixels) throw std::bad_alloc();
    // Leptonica keeps pixels in words whose first byte is the highest.
    for (int y = 0; y < image.height(); ++y) {
        const auto* from = reinterpret_cast<const uint8_t*>(image.const_data()) +
                           static_cast<size_t>(y) * static_cast<size_t>(image.bytes_per_row());
        auto* to = reinterpret_cast<uint8_t*>(pixGetData(pixels.get()) +
                                              static_cast<size_t>(y) * static_cast<size_t>(pixGetWpl(pixels.get())));
        std::memcpy(to, from, static_cast<size_t>(image.width()));
    }
    pixEndianByteSwap(pixels.get());
    return pixels;
}

class PdfReader final : public Reader {
  public:
    PdfReader(std::unique_ptr<poppler::document> document, Bytes bytes, const ReadRequest& request)
        : document_(std::move(document)), scans_(bytes, request.password), request_(request) {}

    uint32_t pages() const override { return static_cast<uint32_t>(std::max(0, document_->pages())); }

    std::optional<PageText> text_of(uint32_t page_no) override {
        auto page = page_of(*document_, page_no);
        std::vector<LayerWord> words = layer_words(*page);
        if (words.empty() || is_garbled(words)) return std::nullopt;
        PageSize size = size_of(*page);
        PageText text;
        text.dpi = dpi_for(size, request_);
        // A survey of a huge page must not take more memory than reading it would.
        int32_t survey = std::min(survey_dpi, text.dpi);
        const Coverage coverage = coverage_of(words, render(*page, size, survey).get(), survey);
        if (!coverage.is_sound) return std::nullopt;
        text.uncovered = coverage.uncovered;
        text.width = static_cast<int32_t>(std::lround(size.pixels_across(text.dpi)));
        text.height = static_cast<int32_t>(std::lround(size.pixels_down(text.dpi)));
        text.rotation = rotation_of(*page);
        text.layout = layout_of(words, text.dpi, {0, 0, text.width, text.height});
        if (text.layout.blocks.empty()) return std::nullopt;
        return text;
    }

    PageImage image_of(uint32_t page_no) override {
        auto page = page_of(*document_, page_no);
        PageSize size = size_of(*page);
        // A resolution that was asked for is that of a drawing.
        if (request_.dpi == 0) {
            ShownPage shown{page_no, pages(), size.width, size.height, rotation_of(*page)};
            if (shown.rotation % 180 != 0) std::swap(shown.width, shown.height);
            if (std::optional<PageImage> scan = scans_.image_of(shown, request_.limits)) return std::move(*scan);
        }
        return drawn(*page, size);
    }

    PageImage image_under_text(uint32_t page_no) override {
        auto page = page_of(*document_, page_no);
        return drawn(*page, size_of(*page));
    }

  private:
    PageImage drawn(const poppler::page& page, const PageSize& size) const {
        PageImage image;
        image.dpi = dpi_for(size, request_);
        image.pixels = render(page, size, image.dpi);
        image.rotation = rotation_of(page);
        return image;
    }

    std::unique_ptr<poppler::document> document_;
    ScannedPages scans_;
    const ReadRequest& request_;
};

}  // namespace

std::unique_ptr<Reader> open_pdf(Bytes bytes, const ReadRequest& request) {
    warm_up_pdf();
    if (bytes.size() > INT_MAX)
        throw DocumentError(ErrorCode::document_unsupported,
                            "the PDF is larger than 2 GB, which cannot be read; submit it in parts");
    auto document = load(reinterpret_cast<const char*>(bytes.data()), bytes.size(), request.password);
    if (!document)
        throw DocumentError(ErrorCode::document_damaged,
                            "the PDF is damaged and cannot be opened; submit it again from an undamaged file");
    if (document->is_locked()) {
        if (request.password.empty())
            throw DocumentError(ErrorCode::document_encrypted,
                                "the PDF is encrypted; submit it with password => its password");
        throw DocumentError(ErrorCode::document_password_wrong,
                            "the PDF is encrypted and the password does not open it; submit it with the right one");
    }
    if (document->pages() <= 0)
        throw DocumentError(ErrorCode::document_damaged,
                            "the PDF has no pages; submit it again from an undamaged file");
    return std::make_unique<PdfReader>(std::move(document), bytes, request);
}

void warm_up_pdf() {
    // Poppler scans its data directory whenever the number of open documents rises from zero; this one stays open.
    static const std::unique_ptr<poppler::document> kept_open = [] {
        // What is wrong with a PDF is its submitter's affair, and not to fill the server's log.
        poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
        auto document = load(one_word_pdf.data(), one_word_pdf.size(), {});
        if (document && document->pages() > 0) {
            auto page = page_of(*document, 1);
            render(*page, size_of(*page), survey_dpi);
        }
        return document;
    }();
}

}  // namespace pg_ocr
