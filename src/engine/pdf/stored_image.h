// Images as PDF keeps them: the file's own bytes where PDF knows their encoding, else the same pixels without loss.
#pragma once

#include <cstdint>

#include "document/document.h"
#include "engine/pdf/qpdf.h"
#include "engine/read/bytes.h"
#include "engine/read/document_type.h"
#include "engine/read/tiff_directory.h"

namespace pg_ocr {

struct StoredImage {
    QPDFObjectHandle object;  ///< an image XObject, indirect
    int64_t width = 0, height = 0;
    bool is_there = true;  ///< false: only its size is known
};

/// An image of any type but PDF and TIFF, as it is stored: not turned. JPEG and JPEG 2000 as they are; PNG without
/// decoding it, unless it is interlaced or has an alpha channel; of an animation the first frame. What is transparent
/// shows white. The bytes must stay until the PDF is written. Throws DocumentError page_damaged, or page_too_large
/// where it would have to be decoded and has more pixels than the limits allow.
StoredImage stored_image(QPDF&, DocumentType, Bytes, const Limits&);

/// A page of a TIFF file, as it is stored: not turned. Group 4 in one strip as it is; other black and white becomes
/// that; grey and colours are packed when the PDF is written, at 8 bits a sample, or at 16 where a page in strips
/// without opacity has them. One that cannot be decoded is white, and one that would have to be and has more pixels
/// than the limits allow is not there. The bytes must stay until then.
StoredImage stored_tiff_page(QPDF&, Bytes, const TiffPage&, const Limits&);

}  // namespace pg_ocr
