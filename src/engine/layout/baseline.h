// Where a row of text stands. Tesseract tells it in whole pixels only, yet cuts its lines by fractions of them: the
// row's blobs tell the rest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pg_ocr {

/// Pixels of a row that runs from left to right, y upwards; right and top are exclusive.
struct UprightBox {
    int32_t left = 0, bottom = 0, right = 0, top = 0;
    int32_t width() const { return right - left; }
    int32_t height() const { return top - bottom; }
    int32_t middle() const { return (left + right) >> 1; }
};

/// Connected ink of a row.
struct RowBlob {
    struct Column {
        int32_t bottom = 0, top = 0;  ///< of its ink; bottom is above top where it has none
    };
    UprightBox box;
    std::vector<Column> columns;  ///< from left to right; only of a wide one, that may be letters that touch
};

/// What Tesseract tells of a baseline: y to the nearest whole pixel, at x.
struct BaselineSample {
    int32_t x = 0, y = 0;
};

/// Straight pieces, side by side; they need not meet.
class Baseline {
  public:
    struct Piece {
        int32_t begin = 0;
        float slope = 0, offset = 0;
        float at(double x) const;
    };
    explicit Baseline(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}
    float at(double x) const;
    /// By how much one piece begins above the end of the one before, summed up over all that begin after `from`, up to
    /// and including the one at `to`.
    float steps_between(double from, double to) const;
    /// At x, between two samples; moved by as much as both of them say that it is too high or too low there.
    float between(const BaselineSample& left, const BaselineSample& right, int32_t x) const;
    /// How far it is from being what the samples say: 0 when it rounds to each of them.
    float misses(std::span<const BaselineSample>) const;

    /// Goes on straight where it ends.
    void go_on(int32_t from, int32_t to, float slope);

  private:
    float miss(const BaselineSample&) const;
    size_t piece_at(double x) const;
    std::vector<Piece> pieces_;  ///< never empty; the first and the last go on for ever
};

/// The baseline of a row's blobs, which come from left to right. line_size is the height of a line in the row's block.
/// There is at least one sample; the samples choose between baselines that the blobs allow.
Baseline fit_baseline(std::span<const RowBlob> blobs, float line_size, std::span<const BaselineSample>);

/// Of a block's blobs: the height of a line as Tesseract estimates it, before it looks for baselines.
float line_size_of(std::span<const UprightBox> blobs);

}  // namespace pg_ocr
