// What a document is, told by bytes that may be anything.
#include <algorithm>

#include "engine/read/document_type.h"
#include "fuzz/promise.h"

using namespace pg_ocr;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    try {
        promise(!name_of(document_type({data, size})).empty(), "every type has a name");
    } catch (const DocumentError& error) {
        ErrorCode expected = size == 0 ? ErrorCode::document_empty : ErrorCode::document_unsupported;
        const std::string& words = error.failure.message;
        promise(error.failure.code == expected, "the reason is fitting");
        promise(
            words.size() < 300 && std::all_of(words.begin(), words.end(), [](char c) { return c >= ' ' && c <= '~'; }),
            "what is quoted of a document is short and printable");
    }
    return 0;
}
