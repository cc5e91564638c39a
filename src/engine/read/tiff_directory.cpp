#include "engine/read/tiff_directory.h"

#include <unordered_set>

namespace pg_ocr {
namespace {

/// More directories than any protocol message can number; each has at least six bytes of the file to itself.
constexpr size_t max_directories = 1000000;

enum Tag : uint16_t {
    new_subfile_type = 254,
    image_width = 256,
    image_length = 257,
    orientation = 274,
    samples_per_pixel = 277,
    x_resolution = 282,
    y_resolution = 283,
    resolution_unit = 296,
};

enum SubfileType : uint32_t { reduced_copy = 1, transparency_mask = 4 };

enum FieldType : uint16_t { byte_field = 1, short_field = 3, long_field = 4, rational_field = 5, long8_field = 16 };

/// Where things lie in a file of this flavour.
struct Flavour {
    ByteOrder order = ByteOrder::little;
    size_t offset_width = 4;  ///< bytes of an offset
    size_t count_width = 2;   ///< bytes of a directory's count of entries
    size_t entry_size() const { return offset_width == 8 ? 20 : 12; }
};

struct Directory {
    TiffPage page;
    uint32_t subfile_type = 0;
    uint64_t next = 0;
};

uint64_t integer_field(Bytes file, uint64_t entry, const Flavour& flavour) {
    uint64_t value = entry + 4 + flavour.offset_width;
    switch (file.u16(entry + 2, flavour.order)) {
        case byte_field:
            return file.u8(value);
        case short_field:
            return file.u16(value, flavour.order);
        case long_field:
            return file.u32(value, flavour.order);
        case long8_field:
            return file.integer(value, 8, flavour.order);
        default:
            return 0;
    }
}

double rational_value(Bytes file, uint64_t entry, const Flavour& flavour) {
    if (file.u16(entry + 2, flavour.order) != rational_field) return 0;
    uint64_t value = entry + 4 + flavour.offset_width;
    uint64_t at = flavour.offset_width == 8 ? value : file.u32(value, flavour.order);
    if (!file.holds(at, 8)) return 0;
    uint32_t denominator = file.u32(at + 4, flavour.order);
    return denominator == 0 ? 0 : static_cast<double>(file.u32(at, flavour.order)) / denominator;
}

/// Takes the directory's entries from entries_left. Directories that overlap could else be made to take for ever.
Directory read_directory(Bytes file, uint64_t offset, const Flavour& flavour, uint64_t& entries_left) {
    Directory directory;
    directory.page.offset = offset;
    uint64_t count = file.integer(offset, flavour.count_width, flavour.order);
    uint64_t entries = offset + flavour.count_width;
    if (count > entries_left)
        throw DocumentError(ErrorCode::page_damaged, "it announces more entries than the file can hold");
    entries_left -= count;
    uint64_t unit = 2;
    for (uint64_t i = 0; i < count; ++i) {
        uint64_t entry = entries + i * flavour.entry_size();
        TiffPage& page = directory.page;
        switch (file.u16(entry, flavour.order)) {
            case new_subfile_type:
                directory.subfile_type = static_cast<uint32_t>(integer_field(file, entry, flavour));
                break;
            case image_width:
                page.width = static_cast<uint32_t>(integer_field(file, entry, flavour));
                break;
            case image_length:
                page.height = static_cast<uint32_t>(integer_field(file, entry, flavour));
                break;
            case orientation: {
                uint64_t value = integer_field(file, entry, flavour);
                page.orientation = value >= 1 && value <= 8 ? static_cast<uint16_t>(value) : uint16_t{1};
                break;
            }
            case samples_per_pixel:
                page.samples = static_cast<uint16_t>(integer_field(file, entry, flavour));
                break;
            case x_resolution:
                page.horizontal_resolution = rational_value(file, entry, flavour);
                break;
            case y_resolution:
                page.vertical_resolution = rational_value(file, entry, flavour);
                break;
            case resolution_unit:
                unit = integer_field(file, entry, flavour);
                break;
            default:
                break;
        }
    }
    constexpr double centimetres_per_inch = 2.54;
    double per_inch = unit == 3 ? centimetres_per_inch : unit == 2 ? 1 : 0;
    directory.page.horizontal_resolution *= per_inch;
    directory.page.vertical_resolution *= per_inch;
    directory.next = file.integer(entries + count * flavour.entry_size(), flavour.offset_width, flavour.order);
    return directory;
}

}  // namespace

TiffPages tiff_pages(Bytes file) {
    TiffPages found;
    std::unordered_set<uint64_t> seen;
    try {
        Flavour flavour;
        flavour.order = file.u8(0) == 'M' ? ByteOrder::big : ByteOrder::little;
        bool big_tiff = file.u16(2, flavour.order) == 43;
        if (big_tiff) {
            flavour.offset_width = 8;
            flavour.count_width = 8;
        }
        uint64_t offset = file.integer(big_tiff ? 8 : 4, flavour.offset_width, flavour.order);
        uint64_t entries_left = file.size() / flavour.entry_size();
        while (offset != 0 && seen.insert(offset).second) {
            if (seen.size() > max_directories)
                throw DocumentError(ErrorCode::page_damaged, "there are more than a million directories");
            Directory directory = read_directory(file, offset, flavour, entries_left);
            if ((directory.subfile_type & (reduced_copy | transparency_mask)) == 0)
                found.pages.push_back(directory.page);
            offset = directory.next;
        }
    } catch (const DocumentError& damage) {
        found.damage = damage.what();
    }
    return found;
}

}  // namespace pg_ocr
