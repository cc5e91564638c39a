// Rows of samples on their way into a PDF, packed without loss.
#pragma once

#include <string>
#include <string_view>

#include "engine/pdf/pipelines.h"
#include "engine/pdf/qpdf.h"

namespace pg_ocr {

/// Predicts each row as PNG does, by that of its filters which leaves least, and deflates it: for /FlateDecode with
/// /Predictor 15.
class PackedRows {
  public:
    /// bytes_per_pixel: of one pixel, at least 1.
    PackedRows(Pipeline& to, size_t row_size, size_t bytes_per_pixel);
    void add(std::string_view row);
    /// Without looking for a filter.
    void add_as_it_is(std::string_view row);
    void finish();

  private:
    Pl_Flate flate_;
    size_t bytes_per_pixel_;
    std::string above_;
};

}  // namespace pg_ocr
