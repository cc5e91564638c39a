#include "engine/read/grey_rows.h"

#include <bit>
#include <cstring>
#include <new>

namespace pg_ocr {

Pixels unset_pixels(uint32_t width, uint32_t height, uint32_t depth) {
    Pixels pixels(
        pixCreateNoInit(static_cast<l_int32>(width), static_cast<l_int32>(height), static_cast<l_int32>(depth)));
    if (!pixels) throw std::bad_alloc();
    return pixels;
}

uint32_t* row_of(PIX* pixels, uint32_t y) {
    return pixGetData(pixels) + static_cast<size_t>(y) * static_cast<size_t>(pixGetWpl(pixels));
}

void pack(const uint8_t* bytes, size_t size, uint32_t* words) {
    static_assert(std::endian::native == std::endian::little);
    for (size_t i = 0; i < size / 4; ++i) {
        uint32_t word = 0;
        std::memcpy(&word, bytes + 4 * i, 4);
        words[i] = __builtin_bswap32(word);
    }
    if (size % 4 != 0) {
        uint32_t word = 0;
        for (size_t i = 0; i < size % 4; ++i) word |= uint32_t{bytes[size / 4 * 4 + i]} << (24 - 8 * i);
        words[size / 4] = word;
    }
}

uint8_t on_white(uint8_t sample, uint8_t opacity) {
    constexpr int32_t white = 255;
    if (opacity == 0) return white;
    const auto share = static_cast<float>(opacity / 255.);
    return static_cast<uint8_t>((1.0 - static_cast<double>(share)) * white +
                                static_cast<double>(share * static_cast<float>(sample)));
}

GreyTable::GreyTable(uint32_t bits, const std::array<uint8_t, 256>& greys, uint32_t count) : pixels_in_byte_(8 / bits) {
    for (uint32_t byte = 0; byte < 256; ++byte)
        for (uint32_t i = 0; i < pixels_in_byte_; ++i) {
            const uint32_t value = byte >> (8 - bits * (i + 1)) & ((1u << bits) - 1);
            greys_[byte][i] = value < count ? greys[value] : uint8_t{0};
            is_unknown_[byte] |= value >= count;
        }
}

bool GreyTable::spread(const uint8_t* bytes, size_t size, uint8_t* to) const {
    bool is_unknown = false;
    for (size_t i = 0; i < size; ++i, to += pixels_in_byte_) {
        std::memcpy(to, greys_[bytes[i]].data(), 8);
        is_unknown |= is_unknown_[bytes[i]];
    }
    return !is_unknown;
}

}  // namespace pg_ocr
