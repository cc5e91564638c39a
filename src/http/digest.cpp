#include "http/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <vector>

namespace pg_ocr::http {

void Sha256::Free::operator()(evp_md_ctx_st* context) const { ::EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(::EVP_MD_CTX_new()) {
    if (!context_ || ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void Sha256::add(const void* bytes, size_t size) {
    if (::EVP_DigestUpdate(context_.get(), bytes, size) != 1) throw std::bad_alloc();
}

std::string Sha256::take() {
    std::string digest(32, '\0');
    if (::EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) != 1)
        throw std::bad_alloc();
    return digest;
}

std::string sha256(std::string_view bytes) {
    Sha256 digest;
    digest.add(bytes.data(), bytes.size());
    return digest.take();
}

std::string sha256_of_file(int fd, uint64_t size) {
    Sha256 digest;
    std::vector<char> chunk(262144);
    for (uint64_t at = 0; at < size;) {
        const ssize_t n =
            ::pread(fd, chunk.data(), std::min<uint64_t>(chunk.size(), size - at), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw std::system_error(n < 0 ? errno : EIO, std::generic_category(), "read what is to be stored");
        digest.add(chunk.data(), static_cast<size_t>(n));
        at += static_cast<uint64_t>(n);
    }
    return digest.take();
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
    std::string code(32, '\0');
    unsigned length = 0;
    if (::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
               reinterpret_cast<const unsigned char*>(message.data()), message.size(),
               reinterpret_cast<unsigned char*>(code.data()), &length) == nullptr)
        throw std::bad_alloc();
    return code;
}

}  // namespace pg_ocr::http
