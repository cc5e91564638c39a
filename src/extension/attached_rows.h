// Rows of attached tables whose documents are new, noted by a trigger and written when the transaction ends.
#pragma once

namespace pg_ocr {

void register_attached_rows();

}  // namespace pg_ocr
