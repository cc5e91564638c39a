#include "engine/read/document_type.h"

#include <magic.h>

#include <cctype>
#include <memory>
#include <optional>

namespace pg_ocr {
namespace {

using namespace std::string_view_literals;

/// A PDF may have a preamble: readers accept its signature anywhere in the first kilobyte.
constexpr size_t pdf_signature_within = 1024;

bool is_pdf(Bytes bytes) {
    Bytes head = bytes.part(0, pdf_signature_within);
    std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    return text.find("%PDF-") != std::string_view::npos;
}

/// "BM" alone begins many texts: the sizes of its headers must be sane, too.
bool is_bmp(Bytes bytes) {
    if (!bytes.starts_with("BM") || !bytes.holds(0, 18)) return false;
    uint32_t header_size = bytes.u32(14, ByteOrder::little);
    return header_size == 12 || (header_size >= 40 && header_size <= 128);
}

bool is_pnm(Bytes bytes) {
    if (!bytes.holds(0, 3) || bytes.u8(0) != 'P') return false;
    uint8_t kind = bytes.u8(1);
    return kind >= '1' && kind <= '7' && (std::isspace(bytes.u8(2)) != 0 || bytes.u8(2) == '#');
}

std::optional<DocumentType> supported_type(Bytes bytes) {
    if (bytes.starts_with("\xff\xd8\xff"sv)) return DocumentType::jpeg;
    if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return DocumentType::png;
    if (bytes.starts_with("II*\0"sv) || bytes.starts_with("MM\0*"sv) || bytes.starts_with("II+\0"sv) ||
        bytes.starts_with("MM\0+"sv))
        return DocumentType::tiff;
    if (bytes.starts_with("RIFF") && bytes.starts_with("WEBP", 8)) return DocumentType::webp;
    if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return DocumentType::gif;
    if (bytes.starts_with("\0\0\0\x0cjP  \r\n\x87\n"sv) || bytes.starts_with("\xff\x4f\xff\x51"sv))
        return DocumentType::jpeg2000;
    if (is_bmp(bytes)) return DocumentType::bmp;
    if (is_pnm(bytes)) return DocumentType::pnm;
    if (is_pdf(bytes)) return DocumentType::pdf;
    return std::nullopt;
}

/// What libmagic calls it, up to the first comma: what follows quotes the document. '' when it does not know.
std::string detected_type(Bytes bytes) {
    struct Close {
        void operator()(magic_t magic) const { magic_close(magic); }
    };
    std::unique_ptr<magic_set, Close> magic(magic_open(MAGIC_NONE));
    if (!magic || magic_load(magic.get(), nullptr) != 0) return {};
    const char* description = magic_buffer(magic.get(), bytes.data(), bytes.size());
    if (description == nullptr) return {};
    std::string name;
    for (const char* c = description; *c != '\0' && *c != ',' && name.size() < 80; ++c)
        name += *c >= ' ' && *c <= '~' ? *c : '?';
    return name == "data" ? std::string() : name;
}

}  // namespace

std::string name_of(DocumentType type) {
    switch (type) {
        case DocumentType::pdf:
            return "PDF";
        case DocumentType::tiff:
            return "TIFF";
        case DocumentType::jpeg:
            return "JPEG";
        case DocumentType::png:
            return "PNG";
        case DocumentType::webp:
            return "WebP";
        case DocumentType::gif:
            return "GIF";
        case DocumentType::bmp:
            return "BMP";
        case DocumentType::jpeg2000:
            return "JPEG 2000";
        case DocumentType::pnm:
            return "PNM";
    }
    return {};
}

DocumentType document_type(Bytes bytes) {
    if (bytes.empty())
        throw DocumentError(ErrorCode::document_empty, "the document is empty; submit the bytes of a PDF or an image");
    if (auto type = supported_type(bytes)) return *type;
    std::string name = detected_type(bytes);
    throw DocumentError(ErrorCode::document_unsupported,
                        "the document's type is " + (name.empty() ? std::string("unknown") : "\"" + name + "\"") +
                            "; submit a PDF or an image: PDF, TIFF, JPEG, PNG, WebP, GIF, BMP, JPEG 2000 or PNM");
}

}  // namespace pg_ocr
