// What the fuzzers of the readers share: a document opened, and its first pages looked at.
#pragma once

#include "engine/read/reader.h"

namespace pg_ocr {

/// Makes libraries load what they load once, and be silent.
void prepare_to_read();

/// Throws nothing but what the engine turns into a page's or a document's failure.
void read_first_pages(DocumentType, Bytes);

}  // namespace pg_ocr
