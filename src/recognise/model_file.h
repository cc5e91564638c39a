// A *.traineddata file as Tesseract's tools make it: a container of components. Input to be checked like any other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pg_ocr::recognise {

/// What is wrong with a model file, to follow its name: "is cut off".
struct ModelError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Places in the container's table; only those that the recogniser reads.
enum class Component : uint8_t {
    settings = 0,
    network = 17,
    punctuation_words = 18,
    words = 19,
    numbers = 20,
    unicharset = 21,
    recoder = 22,
    version = 23,
};

/// Little-endian values in order, each checked against the end.
class ModelBytes {
  public:
    explicit ModelBytes(std::span<const uint8_t> bytes) : rest_(bytes) {}
    uint8_t u8() { return take(1)[0]; }
    int8_t i8() { return static_cast<int8_t>(u8()); }
    int32_t i32() { return static_cast<int32_t>(integer(4)); }
    uint32_t u32() { return static_cast<uint32_t>(integer(4)); }
    int64_t i64() { return static_cast<int64_t>(integer(8)); }
    float f32();
    double f64();
    /// A length of four bytes, then as many characters; at most `most`.
    std::string text(size_t most = 4096);
    /// A count of four bytes, of items of at least item_size bytes each: never more than what is left can hold.
    uint32_t count(size_t item_size);
    std::span<const uint8_t> take(size_t bytes);
    /// Up to a line break, which is taken, too, or to the end.
    std::string_view line();
    size_t left() const { return rest_.size(); }

  private:
    uint64_t integer(size_t bytes);
    std::span<const uint8_t> rest_;
};

class ModelFile {
  public:
    /// Throws ModelError.
    explicit ModelFile(std::vector<uint8_t> bytes);
    /// Throws ModelError, also where the file cannot be read.
    static ModelFile read(const std::string& path);
    /// Nothing where the file has no such component. The bytes live as long as the file.
    std::optional<std::span<const uint8_t>> component(Component) const;

  private:
    std::vector<uint8_t> bytes_;
    std::vector<std::span<const uint8_t>> components_;
};

}  // namespace pg_ocr::recognise
