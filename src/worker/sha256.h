// SHA-256 (FIPS 180-4), for what the server itself reads: it links no library that has it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pg_ocr {

class Sha256 {
  public:
    void update(const void* bytes, size_t size);
    /// 32 bytes. Nothing can be added any more.
    std::string digest();

  private:
    void compress(const uint8_t* block);

    std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<uint8_t, 64> pending_{};
    uint64_t size_ = 0;
};

}  // namespace pg_ocr
