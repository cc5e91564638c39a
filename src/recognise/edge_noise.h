// What a convolution finds beyond the edges of its image: noise, but the same for every line, in the order in which a
// walk over the pixels, row by row, meets the edges.
#pragma once

#include <cstdint>
#include <random>

namespace pg_ocr::recognise {

class EdgeNoise {
  public:
    explicit EdgeNoise(uint64_t seed) : next_(static_cast<std::minstd_rand::result_type>(seed % modulus)) { next_(); }
    /// From −127 to 127.
    int8_t integer() {
        const double value = signed_up_to(127);
        // NOLINTNEXTLINE(bugprone-incorrect-roundings): as Tesseract rounds
        return static_cast<int8_t>(value >= 0 ? static_cast<int>(value + 0.5) : -static_cast<int>(-value + 0.5));
    }
    /// From −1 to 1.
    float real() { return static_cast<float>(signed_up_to(1)); }

  private:
    static constexpr uint64_t modulus = std::minstd_rand::modulus;
    double signed_up_to(double range) { return range * 2.0 * static_cast<int32_t>(next_()) / INT32_MAX - range; }
    std::minstd_rand next_;
};

}  // namespace pg_ocr::recognise
