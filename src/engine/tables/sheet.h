// A page laid out for the search for tables: words and ruling lines, upright and straight.
#pragma once

#include <allheaders.h>

#include <cstdint>
#include <vector>

#include "document/document.h"

namespace pg_ocr {

/// A straight line on the page, thinner than long. In pixels.
struct Rule {
    int32_t at = 0;              ///< its y where it runs across, its x where it runs down
    int32_t begin = 0, end = 0;  ///< along it; the end is exclusive
    int32_t length() const { return end - begin; }
};

struct Rules {
    std::vector<Rule> across, down;  ///< each by `at`, then by `begin`
};

struct PlacedWord {
    const Word* word = nullptr;
    Box box;
    uint32_t line = 0;  ///< of the sheet's
    int32_t width() const { return box.right - box.left; }
    int32_t height() const { return box.bottom - box.top; }
    int32_t centre_x() const { return (box.left + box.right) / 2; }
    int32_t centre_y() const { return (box.top + box.bottom) / 2; }
};

/// A line as the layout has it.
struct PlacedLine {
    uint32_t block = 0;
    uint32_t first = 0, last = 0;  ///< its words; the last is exclusive
    Box box;
};

/// From the page's pixels to the sheet's and back: turned by quarters, then sheared straight.
class Straightened {
  public:
    Straightened(int32_t width, int32_t height, int32_t quarter_turns)
        : width_(width), height_(height), turns_(quarter_turns) {}
    void set_slope(double slope) { slope_ = slope; }
    int32_t quarter_turns() const { return turns_; }  ///< clockwise, that make the page upright
    Box turned(const Box&) const;                     ///< without the shear; what lies outside the page is cut off
    Box straight(const Box& turned) const;            ///< of one that is turned already; its size is kept
    Box on_page(const Box& straight) const;           ///< around what it becomes, within the page

  private:
    int32_t width_, height_, turns_;
    double slope_ = 0;
};

struct Sheet {
    Straightened place;
    int32_t dpi = 0;
    int32_t word_height = 0;  ///< of the median word, at least 1
    std::vector<PlacedWord> words;
    std::vector<PlacedLine> lines;
    Rules rules;
    int32_t inches(double length) const { return static_cast<int32_t>(length * dpi); }
};

/// Of a page of 1 or 8 bits, in whose pixels the layout is. Throws std::bad_alloc.
Sheet sheet_of(const Layout&, PIX* page, int32_t dpi);

Box joined(const Box&, const Box&);

}  // namespace pg_ocr
