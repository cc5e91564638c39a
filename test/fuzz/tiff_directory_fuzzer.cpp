// The parsers that are our own: chains of TIFF directories, EXIF data, and sizes in headers.
#include <set>

#include "engine/read/decode.h"
#include "engine/read/exif.h"
#include "engine/read/tiff_directory.h"
#include "fuzz/promise.h"

using namespace pg_ocr;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes file(data, size);
    TiffPages found = tiff_pages(file);
    promise(found.pages.size() <= size, "there are no more pages than bytes");
    std::set<uint64_t> offsets;
    for (const TiffPage& page : found.pages) {
        promise(page.offset < size && offsets.insert(page.offset).second, "each page has a place of its own");
        promise(page.orientation >= 1 && page.orientation <= 8, "an orientation is one of eight");
    }
    for (DocumentType type : {DocumentType::jpeg, DocumentType::png, DocumentType::webp}) {
        Exif exif = exif_of(type, file);
        promise(exif.orientation >= 1 && exif.orientation <= 8, "EXIF's orientation is one of eight");
    }
    for (DocumentType type : {DocumentType::gif, DocumentType::bmp}) {
        try {
            image_size(type, file);
        } catch (const DocumentError&) {
        }
    }
    return 0;
}
