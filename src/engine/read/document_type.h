// What a document is, told by its bytes alone.
#pragma once

#include <cstdint>
#include <string>

#include "engine/read/bytes.h"

namespace pg_ocr {

enum class DocumentType : uint8_t { pdf, tiff, jpeg, png, webp, gif, bmp, jpeg2000, pnm };

/// 'PDF', 'TIFF', 'JPEG', 'PNG', 'WebP', 'GIF', 'BMP', 'JPEG 2000', 'PNM'
std::string name_of(DocumentType);

/// Throws DocumentError document_empty, or document_unsupported with the type that libmagic sees in it.
DocumentType document_type(Bytes);

}  // namespace pg_ocr
