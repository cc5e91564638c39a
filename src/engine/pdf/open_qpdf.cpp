#include "engine/pdf/open_qpdf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace pg_ocr {

std::unique_ptr<QPDF> opened_by_qpdf(Bytes document, const std::string& password) {
    std::vector<std::string> passwords = QUtil::possible_repaired_encodings(password);
    passwords.insert(passwords.begin(), password);
    for (size_t i = 0;; ++i) {
        auto pdf = std::make_unique<QPDF>();
        pdf->setSuppressWarnings(true);
        try {
            pdf->processMemoryFile("the document", reinterpret_cast<const char*>(document.data()), document.size(),
                                   passwords[i].c_str());
            return pdf;
        } catch (const QPDFExc& error) {
            if (error.getErrorCode() != qpdf_e_password || i + 1 == passwords.size()) throw;
        }
    }
}

std::optional<Rectangle> rectangle_of(QPDFObjectHandle array) {
    if (!array.isArray() || array.getArrayNItems() != 4) return std::nullopt;
    std::array<double, 4> edges{};
    for (int i = 0; i < 4; ++i) {
        QPDFObjectHandle edge = array.getArrayItem(i);
        if (!edge.isNumber() || !std::isfinite(edge.getNumericValue())) return std::nullopt;
        edges.at(static_cast<size_t>(i)) = edge.getNumericValue();
    }
    const Rectangle box{std::min(edges[0], edges[2]), std::min(edges[1], edges[3]), std::max(edges[0], edges[2]),
                        std::max(edges[1], edges[3])};
    if (box.left >= box.right || box.bottom >= box.top) return std::nullopt;
    return box;
}

Rectangle visible_box(QPDFPageObjectHelper& page) {
    constexpr Rectangle letter{0, 0, 612, 792};
    const Rectangle media = rectangle_of(page.getAttribute("/MediaBox", false)).value_or(letter);
    const Rectangle crop = rectangle_of(page.getAttribute("/CropBox", false)).value_or(media);
    const Rectangle both{std::max(media.left, crop.left), std::max(media.bottom, crop.bottom),
                         std::min(media.right, crop.right), std::min(media.top, crop.top)};
    return both.left < both.right && both.bottom < both.top ? both : media;
}

}  // namespace pg_ocr
