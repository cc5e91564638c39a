// Images of every kind, through the libraries that decode them.
#include "fuzz/reading.h"
#include "fuzz/same_picture.h"

using namespace pg_ocr;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    prepare_to_read();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes bytes(data, size);
    try {
        DocumentType type = document_type(bytes);
        if (type == DocumentType::pdf) return -1;
        read_first_pages(type, bytes);
        if (type == DocumentType::png || type == DocumentType::pnm) compare_with_leptonica(type, bytes);
    } catch (const DocumentError&) {
        return -1;
    }
    return 0;
}
