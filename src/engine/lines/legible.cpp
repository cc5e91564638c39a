#include "engine/lines/legible.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace pg_ocr {
namespace {

constexpr size_t fewest_letters = 4, fewest_in_picture = 12;

bool lies_in(const Box& box, const Box& outer) {
    return box.left >= outer.left && box.top >= outer.top && box.right <= outer.right && box.bottom <= outer.bottom;
}

/// Of most letters on the page.
float usual_x_height(const std::vector<RowPiece>& pieces, const std::vector<bool>& regular) {
    std::vector<std::pair<float, size_t>> heights;
    size_t all = 0;
    for (size_t i = 0; i < pieces.size(); ++i) {
        if (!regular[i]) continue;
        heights.emplace_back(pieces[i].x_height, pieces[i].letters.size());
        all += pieces[i].letters.size();
    }
    std::ranges::sort(heights);
    size_t sum = 0;
    for (const auto& [height, letters] : heights) {
        sum += letters;
        if (2 * sum >= all) return height;
    }
    return 0;
}

/// Within a picture that is more than a frame.
bool lies_in_picture(const RowPiece& piece, std::span<const Letter> pictures) {
    constexpr float dense = 0.15f;
    return std::ranges::any_of(pictures, [&](const Letter& picture) {
        const float area = static_cast<float>(picture.width()) * static_cast<float>(picture.height());
        return static_cast<float>(picture.pixels) >= dense * area && lies_in(piece.box, picture.box);
    });
}

/// A lone dash at the height of a row, as in a table's empty cells, or an equals sign.
bool is_dash_beside(const RowPiece& piece, const RowPiece& text) {
    constexpr size_t most_strokes = 2;
    constexpr float across = 20;
    const float x_height = text.x_height;
    const auto gap = static_cast<float>(std::max({piece.left() - text.right(), text.left() - piece.right(), 0}));
    return piece.letters.size() <= most_strokes && gap <= across * x_height &&
           std::ranges::all_of(piece.letters, [&](const Letter& dash) {
               const auto width = static_cast<float>(dash.width()), height = static_cast<float>(dash.height());
               const float above = text.baseline - static_cast<float>(dash.box.top + dash.box.bottom) / 2;
               return width >= 0.3f * x_height && width <= 3 * x_height && width >= 1.8f * height &&
                      static_cast<float>(dash.pixels) >= 0.7f * width * height && above > 0.2f * x_height &&
                      above < 1.2f * x_height;
           });
}

/// What is too low to be measured is as high as what it stands beside.
void stand_with(RowPiece& piece, const RowPiece& text) {
    piece.baseline = text.baseline;
    piece.x_height = text.x_height;
    piece.ascent = text.ascent;
}

/// In the same row, or just above or below, and of a like size.
bool is_near(const RowPiece& piece, const RowPiece& text) {
    constexpr float across = 14, down = 4, most_different = 2.2f;
    const float x_height = text.x_height;
    const float low = std::min(piece.ascent, text.ascent), high = std::max(piece.ascent, text.ascent);
    if (high > most_different * low) return false;
    const auto gap = static_cast<float>(std::max({piece.left() - text.right(), text.left() - piece.right(), 0}));
    const float drop = std::abs(piece.baseline - text.baseline);
    return (drop <= 0.6f * x_height && gap <= across * x_height) || (drop <= down * x_height && gap <= x_height);
}

}  // namespace

bool is_regular(const RowPiece& piece) {
    if (piece.letters.size() < fewest_letters) return false;
    size_t high = 0, on_line = 0, in_band = 0, solid = 0;
    for (const Letter& letter : piece.letters) {
        const auto height = static_cast<float>(letter.height());
        if (height < 0.45f * piece.x_height) continue;
        ++high;
        if (10 * letter.pixels >= 9 * letter.width() * letter.height()) ++solid;
        const float below = static_cast<float>(letter.box.bottom) - piece.baseline;
        const float above = piece.baseline - static_cast<float>(letter.box.top);
        if (std::abs(below) <= std::max(0.16f * piece.x_height, 1.5f)) ++on_line;
        if (below <= 0.75f * piece.x_height && above <= 1.35f * piece.ascent && above >= 0.4f * piece.x_height)
            ++in_band;
    }
    const auto width = static_cast<float>(piece.right() - piece.left());
    // Text is neither a spike nor a chart of bars.
    if (width < 1.5f * piece.x_height || 10 * solid > 6 * high) return false;
    // A row's marks are many at most where its letters are many too. Of code, more reaches below the line.
    return high >= (piece.letters.size() <= 6 ? fewest_letters - 1 : fewest_letters) &&
           10 * on_line >= (piece.pitch > 0 ? 4u : 6u) * high && 10 * in_band >= 8 * high;
}

bool is_neat(const RowPiece& piece) {
    if (piece.letters.size() < 2) return false;
    const Box& first = piece.letters.front().box;
    const int32_t height = first.bottom - first.top, tolerance = std::max(height / 8, 2);
    return std::ranges::all_of(piece.letters, [&](const Letter& letter) {
        return std::abs(letter.box.top - first.top) <= tolerance &&
               std::abs(letter.box.bottom - first.bottom) <= tolerance && letter.width() <= 2 * height;
    });
}

Legible legible(std::vector<RowPiece> pieces, std::span<const Letter> pictures) {
    Legible result;
    std::vector<bool> regular(pieces.size());
    for (size_t i = 0; i < pieces.size(); ++i) regular[i] = is_regular(pieces[i]);
    result.x_height = usual_x_height(pieces, regular);
    const float usual = result.x_height;
    size_t regular_letters = 0, alone_letters = 0;
    std::vector<bool> kept(pieces.size()), alone(pieces.size());
    for (size_t i = 0; i < pieces.size(); ++i) {
        const RowPiece& piece = pieces[i];
        const bool is_small = piece.ascent < 0.5f * usual;
        if (regular[i]) {
            // Small print in large letters' company is text where there is much of it.
            const bool is_long = piece.letters.size() >= fewest_in_picture;
            kept[i] = is_long || !(is_small || lies_in_picture(piece, pictures));
            if (kept[i]) regular_letters += piece.letters.size();
            continue;
        }
        constexpr float largest = 6;
        if (is_small)
            for (size_t j = 0; j < pieces.size() && !kept[i]; ++j) {
                kept[i] = regular[j] && is_dash_beside(piece, pieces[j]);
                if (kept[i]) stand_with(pieces[i], pieces[j]);
            }
        if (is_small || piece.ascent > largest * usual) continue;
        if (lies_in_picture(piece, pictures)) continue;
        if (is_neat(piece) && piece.ascent <= 4 * usual) kept[i] = true;
        for (size_t j = 0; j < pieces.size() && !kept[i]; ++j) kept[i] = regular[j] && is_near(piece, pieces[j]);
        alone[i] = !kept[i];
        if (alone[i]) alone_letters += piece.letters.size();
    }
    // A page number stands alone as well, but has few for company.
    const bool keeps_those_alone = 12 * alone_letters <= regular_letters + 24;
    for (size_t i = 0; i < pieces.size(); ++i) {
        if (alone[i] && keeps_those_alone) kept[i] = true;
        if (kept[i]) {
            result.letters += regular[i] ? static_cast<uint32_t>(pieces[i].letters.size()) : 0;
            result.pieces.push_back(std::move(pieces[i]));
        } else if (pieces[i].ascent >= 0.5f * usual) {
            result.dropped += static_cast<uint32_t>(pieces[i].letters.size());
        }
    }
    return result;
}

}  // namespace pg_ocr
