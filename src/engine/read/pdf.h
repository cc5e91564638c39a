// PDF documents, opened and rendered by poppler.
#pragma once

#include <memory>

#include "engine/read/reader.h"

namespace pg_ocr {

/// Throws DocumentError document_encrypted, document_password_wrong or document_damaged.
std::unique_ptr<Reader> open_pdf(Bytes, const ReadRequest&);

/// Makes poppler and fontconfig load what they load once, and keeps it loaded.
void warm_up_pdf();

}  // namespace pg_ocr
