// What PNG and PNM promise the fuzzers: decoded by us they are what Leptonica makes of them.
#pragma once

#include "engine/read/bytes.h"
#include "engine/read/document_type.h"

namespace pg_ocr {

/// Not of more pixels than read_first_pages() reads. Whether our decoder took the file; others it leaves to Leptonica.
bool compare_with_leptonica(DocumentType, Bytes);

}  // namespace pg_ocr
