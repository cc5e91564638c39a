// A document's bytes in, its pages out. The one door through which the engine's main program enters the reading rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "document/document.h"
#include "engine/document_error.h"
#include "engine/layout/recognisers.h"
#include "protocol/message.h"

namespace pg_ocr {

/// Hears of a document's pages as they are read, in ascending order of their numbers.
class ReadEvents {
  public:
    virtual ~ReadEvents() = default;
    virtual void opened(const DocumentInfo&) = 0;     ///< once, before any page
    virtual void page_started(uint32_t page_no) = 0;  ///< before the page is touched: should it crash, this one did
    virtual void page_done(const Page&) = 0;
    /// Within a page: asks a foreign server that is a provider.
    virtual ProviderAnswer ask(const Ask&) {
        return {{ErrorCode::provider_refused, "nobody is here to ask a server"}, {}};
    }
};

/// Opens what is opened lazily (fonts, poppler's data, the languages' models for the recogniser), so that the first
/// document does not pay for it. Throws DocumentError language_missing.
void warm_up(Recognisers&, const std::string& languages, Recogniser);

/// Reads the selected pages that are not done yet. The bytes must stay as they are until it returns; they are not
/// copied. A page that cannot be read is a failed page, and the next one is tried. Throws DocumentError when nothing
/// can be read at all, or no more within the request's limits of time: page_timeout is about the page that was started
/// last. Throws whatever the events throw.
void read_document(const uint8_t* bytes, size_t size, const ReadRequest&, Recognisers&, ReadEvents&);

}  // namespace pg_ocr
