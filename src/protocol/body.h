// The bodies of frames, value by value: integers little-endian, texts and lists after their length. Only codecs know
// it.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "document/document.h"
#include "protocol/frame.h"
#include "protocol/message.h"

namespace pg_ocr {

class BodyWriter {
  public:
    template <typename Integer>
    void integer(Integer value) {
        auto bits = static_cast<uint64_t>(value);
        for (size_t i = 0; i < sizeof(Integer); ++i) bytes_.push_back(static_cast<char>(bits >> (8 * i)));
    }
    void real(float value) { integer(std::bit_cast<uint32_t>(value)); }
    void string(const std::string& value) {
        integer(static_cast<uint32_t>(value.size()));
        bytes_ += value;
    }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

/// Whatever is wrong with the bytes is a ProtocolError.
class BodyReader {
  public:
    explicit BodyReader(const std::string& bytes) : bytes_(bytes) {}
    template <typename Integer>
    Integer integer() {
        need(sizeof(Integer));
        uint64_t bits = 0;
        for (size_t i = 0; i < sizeof(Integer); ++i)
            bits |= static_cast<uint64_t>(static_cast<uint8_t>(bytes_[at_ + i])) << (8 * i);
        at_ += sizeof(Integer);
        return static_cast<Integer>(bits);
    }
    float real() {
        float value = std::bit_cast<float>(integer<uint32_t>());
        if (!std::isfinite(value)) throw ProtocolError("a number that is not finite");
        return value;
    }
    std::string string() {
        auto length = integer<uint32_t>();
        need(length);
        std::string value = bytes_.substr(at_, length);
        at_ += length;
        return value;
    }
    template <typename Enum>
    Enum enumeration(Enum last) {
        auto value = integer<uint8_t>();
        if (value > static_cast<uint8_t>(last)) throw ProtocolError("a value outside its enumeration");
        return static_cast<Enum>(value);
    }
    /// A count of items of at least item_size bytes each: never more than what is left can hold.
    uint32_t count(size_t item_size) {
        auto value = integer<uint32_t>();
        if (value > (bytes_.size() - at_) / item_size) throw ProtocolError("a count beyond the frame's end");
        return value;
    }
    void end() const {
        if (at_ != bytes_.size()) throw ProtocolError("bytes left over in a frame");
    }

  private:
    void need(size_t n) const {
        if (bytes_.size() - at_ < n) throw ProtocolError("a frame that ends too early");
    }
    const std::string& bytes_;
    size_t at_ = 0;
};

void write(BodyWriter& to, const Failure&);
Failure read_failure(BodyReader& from);
void write(BodyWriter& to, const std::vector<Protection>&);
std::vector<Protection> read_protections(BodyReader& from);

}  // namespace pg_ocr
