#include "engine/lines/parts.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <new>

#include "engine/lines/legible.h"
#include "engine/lines/rows.h"
#include "engine/lines/slope.h"
#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

/// In heights of the median letter.
constexpr float shortest_rule = 4, thickest_rule = 0.4f, largest_letter = 10, smallest_part = 0.12f;
/// Longer than wide, or wider than high, by so much, letters are not: a word whose letters touch may be.
constexpr int32_t longest_word = 20, thinnest_letter = 16;

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

/// Larger ones count for more: of specks there may be many.
int32_t letter_size(const std::vector<Component>& components) {
    constexpr int32_t smallest = 5, most_heights = 512;
    std::vector<int64_t> heights(most_heights);
    int64_t all = 0;
    for (const Component& component : components) {
        const int32_t width = component.width(), height = component.height();
        if (height < smallest || height >= most_heights || width > 3 * height || height > 6 * width) continue;
        heights[static_cast<size_t>(height)] += height;
        all += height;
    }
    int64_t sum = 0;
    for (size_t height = 0; height < heights.size(); ++height) {
        sum += heights[height];
        if (sum > 0 && 2 * sum >= all) return static_cast<int32_t>(height);
    }
    return 0;
}

bool is_rule(const Component& component, float size) {
    const auto width = static_cast<float>(component.width()), height = static_cast<float>(component.height());
    const float length = std::max(width, height);
    if (length < shortest_rule * size) return false;
    // A line that leans has a higher box, but no more ink.
    const float thickness = static_cast<float>(component.pixels) / length;
    return thickness <= thickest_rule * size && std::min(width, height) <= std::max(thickness * 2, 0.1f * length);
}

/// Lines of a table or a frame, maybe with letters that touch them.
bool may_hold_rules(const Component& component, float size) {
    const auto width = static_cast<float>(component.width()), height = static_cast<float>(component.height());
    constexpr float sparse = 0.5f;
    return std::max(width, height) >= shortest_rule * size &&
           static_cast<float>(component.pixels) < sparse * width * height;
}

l_uint32* row_of(PIX* pix, int32_t y) { return pixGetData(pix) + static_cast<ptrdiff_t>(y) * pixGetWpl(pix); }

/// The ink that is part of a stretch down the page of at least that length.
Pixels stretches_down(PIX* ink, int32_t length) {
    const int32_t height = pixGetHeight(ink), words = pixGetWpl(ink);
    Pixels found = made(pixCopy(nullptr, ink));
    // First each pixel stands for the stretch below it, then for the one above as well.
    const auto with_row = [&](int32_t y, int32_t other, auto combine) {
        l_uint32* row = row_of(found.get(), y);
        const l_uint32* from = other >= 0 && other < height ? row_of(found.get(), other) : nullptr;
        for (int32_t i = 0; i < words; ++i) row[i] = combine(row[i], from == nullptr ? 0 : from[i]);
    };
    const auto both = [](l_uint32 a, l_uint32 b) { return a & b; };
    const auto either = [](l_uint32 a, l_uint32 b) { return a | b; };
    for (int32_t reach = 1; reach < length;) {
        const int32_t step = std::min(reach, length - reach);
        for (int32_t y = 0; y < height; ++y) with_row(y, y + step, both);
        reach += step;
    }
    for (int32_t reach = 1; reach < length;) {
        const int32_t step = std::min(reach, length - reach);
        for (int32_t y = height - 1; y >= 0; --y) with_row(y, y - step, either);
        reach += step;
    }
    return found;
}

Pixels stretches_across(PIX* ink, int32_t length) {
    const int32_t width = pixGetWidth(ink), height = pixGetHeight(ink);
    Pixels found = made(pixCreate(width, height, 1));
    for (int32_t y = 0; y < height; ++y) {
        const l_uint32* row = row_of(ink, y);
        int32_t begin = -1;
        const auto end_at = [&](int32_t x) {
            if (begin >= 0 && x - begin >= length)
                pixRasterop(found.get(), begin, y, x - begin, 1, PIX_SET, nullptr, 0, 0);
            begin = -1;
        };
        for (int32_t x = 0; x < width;) {
            const l_uint32 word = row[x / 32];
            if (x % 32 == 0 && (word == 0 || word == ~l_uint32{0}) && x + 32 <= width) {
                if (word == 0)
                    end_at(x);
                else if (begin < 0)
                    begin = x;
                x += 32;
                continue;
            }
            if ((word >> (31 - x % 32) & 1) == 0)
                end_at(x);
            else if (begin < 0)
                begin = x;
            ++x;
        }
        end_at(width);
    }
    return found;
}

/// White lies along both sides. Black between the letters of a typewriter, white on a black ground, is no rule.
bool is_bordered_by_white(PIX* ink, const Box& box) {
    const bool runs_down = box.bottom - box.top > box.right - box.left;
    const int32_t width = pixGetWidth(ink), height = pixGetHeight(ink);
    const auto inked_of = [&](int32_t at) {
        if (at < 0 || at >= (runs_down ? width : height)) return 0;
        int32_t inked = 0;
        for (int32_t i = runs_down ? box.top : box.left; i < (runs_down ? box.bottom : box.right); ++i)
            inked += GET_DATA_BIT(row_of(ink, runs_down ? i : at), runs_down ? at : i) != 0 ? 1 : 0;
        return inked;
    };
    constexpr int32_t beside = 2;
    const int32_t begin = runs_down ? box.left : box.top, end = runs_down ? box.right : box.bottom;
    const int32_t length = runs_down ? box.bottom - box.top : box.right - box.left;
    return 2 * std::max(inked_of(begin - beside), inked_of(end - 1 + beside)) <= length;
}

/// Takes the thin ones among stretches from the ink, and tells them.
void take_rules(PIX* ink, PIX* stretches, int32_t left, int32_t top, float size, std::vector<Box>& rules) {
    for (const Component& stretch : components_of(stretches)) {
        if (!is_rule(stretch, size)) continue;
        const Box& box = stretch.box;
        const Box rule{left + box.left, top + box.top, left + box.right, top + box.bottom};
        if (!is_bordered_by_white(ink, rule)) continue;
        rules.push_back(rule);
        pixRasterop(ink, rule.left, rule.top, stretch.width(), stretch.height(), PIX_DST & PIX_NOT(PIX_SRC), stretches,
                    box.left, box.top);
    }
}

/// The ink without the ruling lines of what may hold some; null where nothing does.
Pixels without_rules(PIX* ink, const std::vector<Component>& components, float size, std::vector<Box>& rules) {
    Pixels rest;
    const auto length = static_cast<int32_t>(shortest_rule * size);
    for (const Component& component : components) {
        if (is_rule(component, size) || !may_hold_rules(component, size)) continue;
        if (!rest) rest = made(pixCopy(nullptr, ink));
        const Box& box = component.box;
        BOX area{box.left, box.top, component.width(), component.height(), 1};
        const Pixels part = made(pixClipRectangle(rest.get(), &area, nullptr));
        if (component.width() >= length)
            take_rules(rest.get(), stretches_across(part.get(), length).get(), box.left, box.top, size, rules);
        if (component.height() >= length)
            take_rules(rest.get(), stretches_down(part.get(), length).get(), box.left, box.top, size, rules);
    }
    return rest;
}

/// A black ground on which letters may stand.
bool may_be_ground(const Component& component, float size) {
    constexpr float dense = 0.5f, lowest = 1.3f, narrowest = 2;
    const auto width = static_cast<float>(component.width()), height = static_cast<float>(component.height());
    return width >= narrowest * size && height >= lowest * size &&
           static_cast<float>(component.pixels) >= dense * width * height;
}

/// Of holes in a black ground, those that stand in rows as letters do. In a picture most do not.
std::vector<Component> of_regular_rows(const std::vector<Component>& holes, float size) {
    const double slope = slope_of(holes, static_cast<int32_t>(size));
    std::vector<Component> letters;
    for (const RowPiece& piece : pieces_of(levelled(holes, slope)))
        if (is_regular(piece) || is_neat(piece))
            for (const Letter& letter : piece.letters) letters.push_back({letter.on_page, letter.pixels});
    if (2 * letters.size() < holes.size()) letters.clear();
    return letters;
}

/// White letters within a black ground, as if they were black.
std::vector<Component> letters_on(const Component& ground, PIX* ink, float size) {
    BOX area{ground.box.left, ground.box.top, ground.width(), ground.height(), 1};
    const Pixels part = made(pixClipRectangle(ink, &area, nullptr));
    pixInvert(part.get(), part.get());
    std::vector<Component> letters;
    size_t large = 0;
    for (Component& hole : components_of(part.get())) {
        const Box& box = hole.box;
        const bool is_within =
            box.left > 0 && box.top > 0 && box.right < ground.width() && box.bottom < ground.height();
        const auto height = static_cast<float>(hole.height()), width = static_cast<float>(hole.width());
        if (!is_within || std::max(width, height) < smallest_part * size || width > longest_word * height) continue;
        large += height >= 0.5f * size ? 1 : 0;
        hole.box = {box.left + ground.box.left, box.top + ground.box.top, box.right + ground.box.left,
                    box.bottom + ground.box.top};
        letters.push_back(hole);
    }
    constexpr size_t fewest = 2;
    if (large < fewest) letters.clear();
    return of_regular_rows(letters, size);
}

/// Lines between columns, or a frame's sides: in a table more than two lines across the page meet one that runs down,
/// or one crosses it.
std::vector<Box> partitions_of(const std::vector<Box>& rules, float size) {
    constexpr float shortest = 8;
    constexpr int64_t most_across = 2;
    const auto near = static_cast<int32_t>(size);
    std::vector<Box> partitions;
    for (const Box& rule : rules) {
        const int32_t height = rule.bottom - rule.top;
        if (static_cast<float>(height) < shortest * size || height < rule.right - rule.left) continue;
        int64_t across = 0;
        bool is_crossed = false;
        for (const Box& other : rules) {
            if (other.right - other.left <= other.bottom - other.top || other.left > rule.right + near ||
                other.right < rule.left - near || other.top > rule.bottom + near || other.bottom < rule.top - near)
                continue;
            ++across;
            is_crossed |= other.left < rule.left - near && other.right > rule.right + near &&
                          other.top > rule.top + near / 2 && other.bottom < rule.bottom - near / 2;
        }
        if (across <= most_across && !is_crossed) partitions.push_back(rule);
    }
    return partitions;
}

bool is_within(const Box& box, const Box& outer) {
    return box.left >= outer.left && box.right <= outer.right && box.top >= outer.top && box.bottom <= outer.bottom;
}

/// A box drawn around some letters: its corners are inked, as those of a letter with something in it are not.
bool is_frame(const Component& component, const std::vector<Component>& components, PIX* ink, float size) {
    constexpr float sparse = 0.35f, smallest = 1.1f;
    const auto width = static_cast<float>(component.width()), height = static_cast<float>(component.height());
    if (std::min(width, height) < smallest * size || static_cast<float>(component.pixels) > sparse * width * height)
        return false;
    const Box& box = component.box;
    const auto is_ink = [&](int32_t x, int32_t y) { return GET_DATA_BIT(row_of(ink, y), x) != 0; };
    // First: of noise, hardly any has them.
    if (!is_ink(box.left, box.top) || !is_ink(box.right - 1, box.top) || !is_ink(box.left, box.bottom - 1) ||
        !is_ink(box.right - 1, box.bottom - 1))
        return false;
    return std::ranges::any_of(components, [&](const Component& other) {
        return &other != &component && static_cast<float>(other.height()) >= 0.4f * size && is_within(other.box, box);
    });
}

}  // namespace

PageParts parts_of(PIX* ink) {
    PageParts parts;
    std::vector<Component> components = components_of(ink);
    parts.size = letter_size(components);
    if (parts.size == 0) return parts;
    const auto size = static_cast<float>(parts.size);
    if (const Pixels rest = without_rules(ink, components, size, parts.rules)) {
        components = components_of(rest.get());
        parts.size = std::max(letter_size(components), 1);
    }
    std::vector<Box> grounds;
    for (const Component& component : components) {
        const int32_t width = component.width(), height = component.height();
        const auto longest = static_cast<float>(std::max(width, height));
        // What is black within a white letter is no letter.
        if (std::ranges::any_of(grounds, [&](const Box& ground) { return is_within(component.box, ground); })) continue;
        const bool is_speck = longest < std::max(smallest_part * size, 2.0f);
        if (is_speck || is_frame(component, components, ink, size)) continue;
        if (is_rule(component, size)) {
            parts.rules.push_back(component.box);
        } else if (may_be_ground(component, size)) {
            std::vector<Component> letters = letters_on(component, ink, size);
            if (letters.empty() && static_cast<float>(height) <= largest_letter * size && width <= 4 * height)
                parts.letters.push_back(component);
            else if (letters.empty())
                parts.pictures.push_back(component);
            if (!letters.empty()) grounds.push_back(component.box);
            parts.letters.insert(parts.letters.end(), letters.begin(), letters.end());
        } else if (static_cast<float>(height) > largest_letter * size || width > longest_word * height ||
                   (height > thinnest_letter * width && longest > shortest_rule * size)) {
            parts.pictures.push_back(component);
        } else {
            parts.letters.push_back(component);
        }
    }
    parts.partitions = partitions_of(parts.rules, size);
    return parts;
}

}  // namespace pg_ocr
