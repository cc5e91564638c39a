// A searchable PDF of a document: its own pages, untouched, with the words that were read on them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/pdf/text_layer_writer.h"
#include "engine/read/bytes.h"

namespace pg_ocr {

/// Of a PDF, the same PDF with text on the pages that have words, encrypted as it was; the same bytes where no page
/// has. Of an image, a PDF with one page for each of its pages: as large as it is at the resolution that it was read
/// in, and shown as it is meant to be. `take` gets the file from its beginning, piece by piece, and may throw. Returns
/// whether the document bears a digital signature, which does not hold in what `take` got. Throws DocumentError
/// document_empty, document_unsupported, document_damaged, document_encrypted, document_password_wrong, page_damaged or
/// too_many_pages. The bytes must stay as they are until it returns.
bool compose(Bytes document, const ComposeRequest&, const TextLayerWriter&,
             const std::function<void(std::string_view)>& take);

/// Makes libqpdf and what it encrypts with load what they load once: in the sandbox nothing can be loaded any more.
void warm_up_compose();

}  // namespace pg_ocr
