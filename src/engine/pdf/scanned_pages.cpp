#include "engine/pdf/scanned_pages.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/pdf/image_pixels.h"
#include "engine/pdf/only_image.h"
#include "engine/read/turn.h"

namespace pg_ocr {
namespace {

constexpr double points_per_inch = 72;
/// Pixels per inch: what pages are drawn in, and the images that are as good as they are. Of test pages at 72, 100, 150
/// and 200, more words are found in an image that is enlarged than in one that is not, or that poppler draws; at 400
/// more in one that is reduced.
constexpr double usual = 300, least_good = 240, most_good = 360;
constexpr double coarsest = 60, finest = 4800;
/// Of a page's area; where the image is less, drawing costs little.
constexpr double least_share = 0.5;

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

/// How the image is to be turned to lie as it is shown. Nothing where it is not shown upright or by a quarter turn.
std::optional<Turn> turn_of(const Affine& map, const StoredSize& size, int32_t rotation) {
    const double across = std::hypot(map.a, map.b), down = std::hypot(map.c, map.d);
    // So little that no pixel comes to lie elsewhere.
    const double least_across = across / (2.0 * static_cast<double>(size.height));
    const double least_down = down / (2.0 * static_cast<double>(size.width));
    const bool upright = std::fabs(map.b) < least_across && std::fabs(map.c) < least_down;
    const bool lies = std::fabs(map.a) < least_across && std::fabs(map.d) < least_down;
    if (upright == lies) return std::nullopt;
    Turn turn;
    turn.mirror = map.a * map.d - map.b * map.c < 0;
    // Where the image's right side is; mirrored, its left side.
    const double x = turn.mirror ? -map.a : map.a, y = turn.mirror ? -map.b : map.b;
    turn.degrees = upright ? (x > 0 ? 0 : 180) : (y < 0 ? 90 : 270);
    turn.degrees = (turn.degrees + rotation) % 360;
    return turn;
}

Rectangle place_of(const Affine& map) {
    return {std::min({0.0, map.a, map.c, map.a + map.c}) + map.e, std::min({0.0, map.b, map.d, map.b + map.d}) + map.f,
            std::max({0.0, map.a, map.c, map.a + map.c}) + map.e, std::max({0.0, map.b, map.d, map.b + map.d}) + map.f};
}

/// In points from the top left of the page as it is shown; top is less than bottom.
struct ShownPlace {
    double left = 0, top = 0, right = 0, bottom = 0;
};

ShownPlace shown_at(const Rectangle& place, const Rectangle& box, int32_t rotation) {
    switch (rotation) {
        case 90:
            return {place.bottom - box.bottom, place.left - box.left, place.top - box.bottom, place.right - box.left};
        case 180:
            return {box.right - place.right, place.bottom - box.bottom, box.right - place.left, place.top - box.bottom};
        case 270:
            return {box.top - place.top, box.right - place.right, box.top - place.bottom, box.right - place.left};
        default:
            return {place.left - box.left, box.top - place.top, place.right - box.left, box.top - place.bottom};
    }
}

/// The image on the page's paper, of which it may cover more or less than all.
Pixels on_paper(Pixels image, l_int32 left, l_int32 top, l_int32 width, l_int32 height) {
    // Sizes are rounded: so little is not worth a copy.
    constexpr l_int32 nothing = 2;
    const l_int32 own_width = pixGetWidth(image.get()), own_height = pixGetHeight(image.get());
    if (std::abs(left) <= nothing && std::abs(top) <= nothing && std::abs(width - own_width) <= nothing &&
        std::abs(height - own_height) <= nothing)
        return image;
    Pixels paper = made(pixCreate(width, height, pixGetDepth(image.get())));
    pixSetBlackOrWhite(paper.get(), L_SET_WHITE);
    pixRasterop(paper.get(), left, top, own_width, own_height, PIX_SRC, image.get(), 0, 0);
    return paper;
}

Pixels scaled(Pixels image, double by) {
    if (by == 1) return image;
    if (pixGetDepth(image.get()) == 1) image = made(pixConvert1To8(nullptr, image.get(), 255, 0));
    const auto scale = static_cast<float>(by);
    return made(by > 1 ? pixScale(image.get(), scale, scale) : pixScaleAreaMap(image.get(), scale, scale));
}

bool same(double one, double other, double tolerance) { return std::fabs(one - other) <= tolerance; }

std::optional<PageImage> scan_on(QPDFPageObjectHelper& page, const ShownPage& known, const Limits& limits) {
    constexpr double rounding = 0.01, square = 0.0015;
    const Rectangle box = visible_box(page);
    if (!same(box.width(), known.width, rounding) || !same(box.height(), known.height, rounding)) return std::nullopt;
    const std::optional<PlacedImage> found = only_image_on(page, box);
    if (!found) return std::nullopt;
    const std::optional<StoredSize> size = stored_size(QPDFObjectHandle(found->image).getDict());
    if (!size) return std::nullopt;
    const auto pixels = static_cast<uint64_t>(size->width) * static_cast<uint64_t>(size->height);
    if (limits.page_pixels != 0 && pixels > limits.page_pixels) return std::nullopt;
    const std::optional<Turn> turn = turn_of(found->to_page, *size, known.rotation);
    if (!turn) return std::nullopt;

    const ShownPlace place = shown_at(place_of(found->to_page), box, known.rotation);
    double image_width = static_cast<double>(size->width), image_height = static_cast<double>(size->height);
    if (turn->degrees % 180 != 0) std::swap(image_width, image_height);
    const double across = image_width / (place.right - place.left) * points_per_inch;
    const double down = image_height / (place.bottom - place.top) * points_per_inch;
    if (!(across >= coarsest && across <= finest && same(down / across, 1, square))) return std::nullopt;
    double page_width = box.width(), page_height = box.height();
    if (known.rotation % 180 != 0) std::swap(page_width, page_height);
    const double shown_width = std::min(place.right, page_width) - std::max(place.left, 0.0);
    const double shown_height = std::min(place.bottom, page_height) - std::max(place.top, 0.0);
    if (shown_width <= 0 || shown_height <= 0 || shown_width * shown_height < least_share * page_width * page_height)
        return std::nullopt;

    const double scale = across >= least_good && across <= most_good ? 1 : usual / across;
    const double pixels_across = across * scale / points_per_inch, pixels_down = down * scale / points_per_inch;
    const double whole_width = std::round(page_width * pixels_across);
    const double whole_height = std::round(page_height * pixels_down);
    if (whole_width < 1 || whole_height < 1 || whole_width > longest_side || whole_height > longest_side ||
        (limits.page_pixels != 0 && whole_width * whole_height > static_cast<double>(limits.page_pixels)))
        return std::nullopt;
    Pixels image = pixels_of(found->image);
    if (!image) return std::nullopt;
    PageImage result;
    result.pixels = on_paper(turned(scaled(std::move(image), scale), *turn),
                             static_cast<l_int32>(std::lround(place.left * pixels_across)),
                             static_cast<l_int32>(std::lround(place.top * pixels_down)),
                             static_cast<l_int32>(whole_width), static_cast<l_int32>(whole_height));
    result.dpi = static_cast<int32_t>(std::lround(across * scale));
    result.rotation = known.rotation;
    return result;
}

}  // namespace

struct ScannedPages::Opened {
    std::unique_ptr<QPDF> pdf;
    std::vector<QPDFPageObjectHelper> pages;
};

ScannedPages::ScannedPages(Bytes document, std::string password)
    : document_(document), password_(std::move(password)) {}
ScannedPages::~ScannedPages() = default;

std::optional<PageImage> ScannedPages::image_of(const ShownPage& page, const Limits& limits) {
    if (!is_usable_) return std::nullopt;
    try {
        if (!opened_) {
            auto pdf = opened_by_qpdf(document_, password_);
            std::vector<QPDFPageObjectHelper> pages = QPDFPageDocumentHelper(*pdf).getAllPages();
            opened_ = std::make_unique<Opened>(Opened{std::move(pdf), std::move(pages)});
        }
        std::optional<PageImage> image;
        if (opened_->pages.size() == page.pages) image = scan_on(opened_->pages.at(page.page_no - 1), page, limits);
        // Libqpdf and poppler may repair what is damaged in different ways.
        if (!opened_->pdf->anyWarnings()) return image;
    } catch (const DocumentError&) {
        return std::nullopt;  // of this image
    } catch (const std::bad_alloc&) {
        return std::nullopt;             // drawing may do with less
    } catch (const std::logic_error&) {  // as libqpdf and its containers have them
    } catch (const std::runtime_error&) {
    }
    is_usable_ = false;
    opened_.reset();
    return std::nullopt;
}

}  // namespace pg_ocr
