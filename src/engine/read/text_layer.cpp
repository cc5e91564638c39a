// When a PDF page's own text is used.
//
// A text layer is written by whoever made the PDF. It is exact on most born-digital pages, and reading those again
// would cost time and exactness. But it may be nonsense, or say little about what is to be seen. So two questions are
// asked of each page; the figures are from 40 pages with a layer (papers, tables, reports, OCR'd scans, broken fonts),
// English and French text encoded as broken fonts do it, and a scan with stamps, headers and footers put on it.
//
// 1. Are the words words? Fonts without a usable map to Unicode give the codes of their glyphs: control characters,
//    private use, punctuation, shifted alphabets; some producers swap the bytes of UTF-16.
//      - No characters (U+FFFD, control, private use): none on sound pages, all on a broken one. Limit 10 %, which
//        leaves room for the private-use bullets of lists.
//      - Byte-swapped characters: none on sound pages, all on a broken one. Limit 30 %.
//      - Letters and digits among the characters, leaders ("......") counted once: 77 to 100 % on sound pages, 20 to
//        55 % where glyphs are numbered in order of use. At least 60 %.
//      - Vowels among Latin letters: 36 to 50 % on sound pages in every language seen, 13 to 21 % in shifted alphabets.
//        At least 26 %, asked where there are 30 letters to count.
//
// 2. Do they cover what is to be seen? A scan on which someone stamped a number has a perfect layer of one word. The
//    page is rendered coarsely, and what looks like lines of text is measured (characters smeared along the line make
//    bars of a letter's height), all over the page and where no word lies.
//      - Text without words: 0 to 13 % of all on sound pages, figures and tables included; 94 to 99 % on stamped
//        scans, even with a footer of 53 words. Limit 50 %.
//      - Fewer than 10 words beside more ink that they do not cover than they do: the picture may hold text in a form
//        that does not look like lines. OCR reads both.
//    Pictures and drawings do not count against the words, however much ink they hold.
#include "engine/read/text_layer.h"

#include <poppler-page.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <string_view>

#include "engine/write/page_text.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

constexpr double points_per_inch = 72;

constexpr double most_no_characters = 0.10, most_byte_swapped = 0.30, least_alphanumeric = 0.60, least_vowels = 0.26;
constexpr double letters_to_judge_vowels = 30;
constexpr double most_uncovered_text = 0.50, most_uncovered_ink = 0.50;
constexpr size_t few_words = 10;

/// In inches: 3 to 29 points.
constexpr double lowest_text = 0.04, highest_text = 0.40;
/// In inches: what parts words, but not columns.
constexpr double smear = 0.10;
/// A bar of text is at least so many times as long as high, and filled so much.
constexpr double least_elongation = 1.5, least_fill = 0.3;

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_accented_letter(char32_t c) {
    return (c >= 0xc0 && c < 0x250 && c != 0xd7 && c != 0xf7) || (c >= 0x1e00 && c < 0x1f00);
}
bool is_latin_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_accented_letter(c); }
/// Most accented letters are vowels.
bool is_vowel(char32_t c) {
    return is_accented_letter(c) || std::u32string_view(U"aeiouyAEIOUY").find(c) != std::u32string_view::npos;
}
bool is_no_character(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffd || (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000;
}
/// UTF-16 read in the wrong byte order turns 'A' into U+4100.
bool is_byte_swapped(char32_t c) { return c >= 0x2000 && c <= 0x7e00 && (c & 0xff) == 0; }

struct CharacterCounts {
    double all = 0, no_characters = 0, byte_swapped = 0, alphanumeric = 0, letters = 0, vowels = 0;

    void add(std::u32string_view word) {
        char32_t before = 0;
        for (char32_t c : word) {
            bool counts = c > 0x7f || is_latin_letter(c) || is_digit(c);
            if (c == before && !counts) continue;
            before = c;
            all += 1;
            no_characters += is_no_character(c) ? 1 : 0;
            byte_swapped += is_byte_swapped(c) ? 1 : 0;
            alphanumeric += counts ? 1 : 0;
            letters += is_latin_letter(c) ? 1 : 0;
            vowels += is_vowel(c) ? 1 : 0;
        }
    }
};

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::bad_alloc();
    return Pixels(pix);
}

double black_pixels(PIX* black_on_white) {
    l_int32 count = 0;
    pixCountPixels(black_on_white, &count, nullptr);
    return count;
}

/// Square pixels of what looks like horizontal lines of text.
double area_of_lines(PIX* black_on_white, int32_t dpi) {
    Pixels smeared = made(pixCloseSafeBrick(nullptr, black_on_white, static_cast<l_int32>(smear * dpi), 1));
    PIXA* parts = nullptr;
    BOXA* boxes = pixConnComp(smeared.get(), &parts, 8);
    if (boxes == nullptr) return 0;
    double area = 0;
    for (l_int32 i = 0; i < boxaGetCount(boxes); ++i) {
        l_int32 width = 0, height = 0;
        boxaGetBoxGeometry(boxes, i, nullptr, nullptr, &width, &height);
        if (height < lowest_text * dpi || height > highest_text * dpi || width < least_elongation * height) continue;
        Pixels part = made(pixaGetPix(parts, i, L_CLONE));
        double box = static_cast<double>(width) * height;
        if (black_pixels(part.get()) >= least_fill * box) area += box;
    }
    boxaDestroy(&boxes);
    pixaDestroy(&parts);
    return area;
}

/// Lines may run up and down, too.
double area_of_text(PIX* black_on_white, int32_t dpi) {
    Pixels turned = made(pixRotateOrth(black_on_white, 1));
    return area_of_lines(black_on_white, dpi) + area_of_lines(turned.get(), dpi);
}

void clear_words(PIX* black_on_white, const std::vector<LayerWord>& words, int32_t dpi) {
    constexpr l_int32 margin = 2;  // what antialiasing adds
    double scale = dpi / points_per_inch;
    // A PDF may put a word anywhere: what is no place on the page has no number in pixels.
    auto pixel = [](double place, l_int32 end) {
        return static_cast<l_int32>(std::clamp(place, 0.0, static_cast<double>(end)));
    };
    const l_int32 width = pixGetWidth(black_on_white), height = pixGetHeight(black_on_white);
    for (const LayerWord& word : words) {
        l_int32 left = pixel(word.left * scale - margin, width), top = pixel(word.top * scale - margin, height);
        l_int32 right = pixel(word.right * scale + margin, width), bottom = pixel(word.bottom * scale + margin, height);
        if (left < right && top < bottom)
            pixRasterop(black_on_white, left, top, right - left, bottom - top, PIX_CLR, nullptr, 0, 0);
    }
}

}  // namespace

std::vector<LayerWord> layer_words(const poppler::page& page) {
    std::vector<LayerWord> words;
    for (const poppler::text_box& box : page.text_list()) {
        poppler::byte_array bytes = box.text().to_utf8();
        LayerWord word;
        word.text = valid_utf8(trimmed(std::string_view(bytes.data(), bytes.size())));
        if (word.text.empty()) continue;
        poppler::rectf place = box.bbox();
        word.left = place.left();
        word.top = place.top();
        word.right = place.right();
        word.bottom = place.bottom();
        if (!std::isfinite(word.left + word.top + word.right + word.bottom)) continue;
        word.turn = box.rotation() & 3;
        words.push_back(std::move(word));
    }
    return words;
}

bool is_garbled(const std::vector<LayerWord>& words) {
    CharacterCounts counts;
    for (const LayerWord& word : words) counts.add(characters_of(word.text));
    return counts.no_characters > most_no_characters * counts.all ||
           counts.byte_swapped > most_byte_swapped * counts.all ||
           counts.alphanumeric < least_alphanumeric * counts.all ||
           (counts.letters >= letters_to_judge_vowels && counts.vowels < least_vowels * counts.letters);
}

Coverage coverage_of(const std::vector<LayerWord>& words, PIX* page, int32_t dpi) {
    // Against the paper's own brightness: scans are seldom white.
    Pixels black = made(pixConvertTo1Adaptive(page));
    double text = area_of_text(black.get(), dpi), ink = black_pixels(black.get());
    clear_words(black.get(), words, dpi);
    double uncovered_text = area_of_text(black.get(), dpi), uncovered_ink = black_pixels(black.get());
    return {uncovered_text <= most_uncovered_text * text &&
                (words.size() >= few_words || uncovered_ink <= most_uncovered_ink * ink),
            text > 0 ? static_cast<float>(std::min(uncovered_text / text, 1.0)) : 0.0f};
}

}  // namespace pg_ocr
