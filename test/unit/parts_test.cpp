// A page's ink sorted into letters and lines, where a test draws it.
#include "engine/lines/parts.h"

#include <gtest/gtest.h>

#include "engine/read/pixels.h"

namespace pg_ocr {
namespace {

class Drawing {
  public:
    void fill(int32_t left, int32_t top, int32_t right, int32_t bottom, int32_t op = PIX_SET) {
        pixRasterop(ink_.get(), left, top, right - left, bottom - top, op, nullptr, 0, 0);
    }
    void frame(int32_t left, int32_t top, int32_t right, int32_t bottom) {
        fill(left, top, right, top + 3);
        fill(left, bottom - 3, right, bottom);
        fill(left, top, left + 3, bottom);
        fill(right - 3, top, right, bottom);
    }
    /// As a typewriter sets them, each below one of the line above.
    void letters(int32_t left, int32_t top, int32_t rows, int32_t columns, int32_t op) {
        for (int32_t row = 0; row < rows; ++row)
            for (int32_t column = 0; column < columns; ++column) {
                const int32_t x = left + 24 * column, y = top + 44 * row, high = (row + column) % 3 == 0 ? 8 : 0;
                fill(x, y - high, x + 16, y + 20, op);
                fill(x + 6, y + 6, x + 10, y + 14, op == PIX_SET ? PIX_CLR : PIX_SET);
            }
    }
    PIX* ink() const { return ink_.get(); }

  private:
    Pixels ink_{pixCreate(2000, 1500, 1)};
};

TEST(Parts, HaveNoRulesBetweenWhiteLetters) {
    Drawing page;
    page.frame(100, 100, 1900, 1400);
    page.letters(200, 200, 8, 30, PIX_SET);
    page.fill(100, 700, 1200, 1200);
    page.letters(160, 740, 10, 38, PIX_CLR);
    const PageParts parts = parts_of(page.ink());
    EXPECT_EQ(parts.letters.size(), 8u * 30 + 10u * 38);
    for (const Box& partition : parts.partitions)
        EXPECT_TRUE(partition.right <= 104 || partition.left >= 1896) << partition.left;
}

TEST(Parts, HaveNoPartitionThatALineOfATableCrosses) {
    for (const bool is_crossed : {true, false}) {
        Drawing page;
        page.letters(200, 200, 20, 20, PIX_SET);
        page.letters(900, 200, 20, 20, PIX_SET);
        page.fill(150, 1120, 1500, 1123);
        if (is_crossed) page.fill(150, 230, 1500, 233);
        page.fill(780, 190, 783, 1120);
        EXPECT_EQ(parts_of(page.ink()).partitions.empty(), is_crossed);
    }
}

}  // namespace
}  // namespace pg_ocr
