// PDFs as libqpdf opens them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/pdf/qpdf.h"
#include "engine/read/bytes.h"

namespace pg_ocr {

/// Tries the password in the encodings that PDFs have had. The bytes must stay. Throws QPDFExc, std::logic_error.
std::unique_ptr<QPDF> opened_by_qpdf(Bytes document, const std::string& password);

/// In points.
struct Rectangle {
    double left = 0, bottom = 0, right = 0, top = 0;
    double width() const { return right - left; }
    double height() const { return top - bottom; }
};

/// Of four finite numbers in any order; nothing where it is none, or has no area.
std::optional<Rectangle> rectangle_of(QPDFObjectHandle array);

/// What is shown of a page, as poppler takes boxes: the letter format where there is none, or none that is one.
Rectangle visible_box(QPDFPageObjectHelper& page);

}  // namespace pg_ocr
