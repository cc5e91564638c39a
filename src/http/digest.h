// SHA-256, and what is made of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace pg_ocr::http {

/// Of bytes that come one after the other. Throws std::bad_alloc where libcrypto has no memory.
class Sha256 {
  public:
    Sha256();
    void add(const void* bytes, size_t size);
    std::string take();  ///< the 32 bytes, once

  private:
    struct Free {
        void operator()(evp_md_ctx_st*) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string sha256(std::string_view bytes);
/// Of the file's first `size` bytes. Throws std::system_error.
std::string sha256_of_file(int fd, uint64_t size);
std::string hmac_sha256(std::string_view key, std::string_view message);

}  // namespace pg_ocr::http
