// PNG files of any kind and filters whose checksums hold: what changes a file's bytes at random gets past none.
#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz/reading.h"
#include "fuzz/same_picture.h"
#include "unit/png_bytes.h"

using namespace pg_ocr;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    prepare_to_read();
    return 0;
}

/// Six bytes say what kind of file it is; then there are a palette's colours, if it has one, and rows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    constexpr size_t head = 6;
    if (size < head) return -1;
    std::string_view rest(reinterpret_cast<const char*>(data) + head, size - head);
    const auto taken = [&rest](size_t length) {
        const std::string_view front = rest.substr(0, length);
        rest.remove_prefix(front.size());
        return std::string(front);
    };
    PngBytes made;
    constexpr uint8_t colour_types[] = {0, 2, 3, 4, 6}, depths[] = {1, 2, 4, 8, 16};
    made.colour_type = colour_types[data[0] % 5];
    made.bits = depths[data[1] % 5];
    made.interlace = data[2] % 16 == 15;
    made.width = 1u + data[3];
    made.data_chunk = 1u + data[4] * 8u;
    made.level = data[2] % 3;
    if (made.colour_type == 3) made.palette = taken(size_t{3} * (data[5] + 1u));
    if (data[2] % 8 == 7) made.before_data = png_chunk("pHYs", taken(9));
    // What is missing is 0; a filter is most often one of the five.
    const size_t row = made.row_size() + 1;
    made.height = static_cast<uint32_t>(std::clamp<size_t>((rest.size() + row - 1) / row, 1, 200));
    made.rows = taken(row * made.height);
    made.rows.resize(row * made.height);
    for (size_t at = 0; at < made.rows.size(); at += row)
        if (static_cast<uint8_t>(made.rows[at]) < 250)
            made.rows[at] = static_cast<char>(static_cast<uint8_t>(made.rows[at]) % 5);
    const std::string file = made.file();
    const Bytes bytes(reinterpret_cast<const uint8_t*>(file.data()), file.size());
    try {
        compare_with_leptonica(DocumentType::png, bytes);
    } catch (const DocumentError&) {
        return -1;
    }
    read_first_pages(DocumentType::png, bytes);
    return 0;
}
