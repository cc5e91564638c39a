// A read-only view of a document's bytes whose every access is checked, in either byte order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/document_error.h"

namespace pg_ocr {

enum class ByteOrder : uint8_t { little, big };

class Bytes {
  public:
    Bytes() = default;
    Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
    const uint8_t* data() const { return data_; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    /// Whether length bytes at offset are there.
    bool holds(uint64_t offset, uint64_t length) const { return offset <= size_ && length <= size_ - offset; }
    bool starts_with(std::string_view text, size_t offset = 0) const {
        if (!holds(offset, text.size())) return false;
        return std::string_view(reinterpret_cast<const char*>(data_) + offset, text.size()) == text;
    }
    /// Cut to what is there.
    Bytes part(uint64_t offset, uint64_t length = UINT64_MAX) const {
        if (offset >= size_) return {};
        return {data_ + offset, static_cast<size_t>(std::min<uint64_t>(length, size_ - offset))};
    }

    /// An unsigned integer of `width` bytes (at most 8). Throws DocumentError page_damaged beyond the end.
    uint64_t integer(uint64_t offset, size_t width, ByteOrder order) const {
        if (!holds(offset, width)) throw DocumentError(ErrorCode::page_damaged, "the image is cut off");
        uint64_t value = 0;
        for (size_t i = 0; i < width; ++i) {
            size_t at = order == ByteOrder::big ? i : width - 1 - i;
            value = value << 8 | data_[offset + at];
        }
        return value;
    }
    uint8_t u8(uint64_t offset) const { return static_cast<uint8_t>(integer(offset, 1, ByteOrder::big)); }
    uint16_t u16(uint64_t offset, ByteOrder order) const { return static_cast<uint16_t>(integer(offset, 2, order)); }
    uint32_t u32(uint64_t offset, ByteOrder order) const { return static_cast<uint32_t>(integer(offset, 4, order)); }

  private:
    const uint8_t* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace pg_ocr
