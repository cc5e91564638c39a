#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace pg_ocr::http {
namespace {

struct Network4 {
    uint32_t address;
    unsigned bits;
};

constexpr uint32_t v4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }

/// IANA's registry of special purposes, and Azure's metadata, which looks like any other address.
constexpr Network4 not_public[] = {
    {v4(0, 0, 0, 0), 8},      {v4(10, 0, 0, 0), 8},     {v4(100, 64, 0, 0), 10}, {v4(127, 0, 0, 0), 8},
    {v4(169, 254, 0, 0), 16}, {v4(172, 16, 0, 0), 12},  {v4(192, 0, 0, 0), 24},  {v4(192, 0, 2, 0), 24},
    {v4(192, 88, 99, 0), 24}, {v4(192, 168, 0, 0), 16}, {v4(198, 18, 0, 0), 15}, {v4(198, 51, 100, 0), 24},
    {v4(203, 0, 113, 0), 24}, {v4(224, 0, 0, 0), 4},    {v4(240, 0, 0, 0), 4},   {v4(168, 63, 129, 16), 32},
};

bool is_public4(uint32_t address) {
    for (const Network4& network : not_public) {
        if ((address ^ network.address) >> (32 - network.bits) == 0) return false;
    }
    return true;
}

using Bytes6 = std::array<uint8_t, 16>;

bool begins_with(const Bytes6& address, std::initializer_list<uint8_t> prefix) {
    size_t i = 0;
    for (uint8_t byte : prefix) {
        if (address[i++] != byte) return false;
    }
    return true;
}

uint32_t v4_at(const Bytes6& address, size_t at) {
    return v4(address[at], address[at + 1], address[at + 2], address[at + 3]);
}

bool is_public6(const Bytes6& address) {
    if (begins_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return is_public4(v4_at(address, 12));
    if (begins_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return is_public4(v4_at(address, 12));
    if (begins_with(address, {0x20, 0x02})) return is_public4(v4_at(address, 2));
    if ((address[0] & 0xe0) != 0x20) return false;  // all that is public so far is in 2000::/3
    if (begins_with(address, {0x20, 0x01}) && (address[2] & 0xfe) == 0) return false;  // 2001::/23, Teredo among it
    if (begins_with(address, {0x20, 0x01, 0x0d, 0xb8})) return false;                  // documentation
    return !(begins_with(address, {0x3f, 0xff}) && (address[2] & 0xf0) == 0);          // documentation
}

bool is_metadata4(uint32_t address) {
    return address >> 16 == v4(169, 254, 0, 0) >> 16 || address == v4(168, 63, 129, 16) ||
           address == v4(100, 100, 100, 200) || address == v4(192, 0, 0, 192);
}

bool is_metadata6(const Bytes6& address) {
    if (begins_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return is_metadata4(v4_at(address, 12));
    if (begins_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return is_metadata4(v4_at(address, 12));
    if (begins_with(address, {0x20, 0x02})) return is_metadata4(v4_at(address, 2));
    return (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) || begins_with(address, {0xfd, 0x00, 0x0e, 0xc2}) ||
           begins_with(address, {0xfd, 0x20, 0x00, 0xce});
}

Bytes6 bytes6_of(const sockaddr* address) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof(in));
    Bytes6 bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return bytes;
}

uint32_t v4_of(const sockaddr* address) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof(in));
    return ntohl(in.sin_addr.s_addr);
}

}  // namespace

bool is_public(const sockaddr* address) {
    if (address->sa_family == AF_INET) return is_public4(v4_of(address));
    return address->sa_family == AF_INET6 && is_public6(bytes6_of(address));
}

bool is_metadata(const sockaddr* address) {
    if (address->sa_family == AF_INET) return is_metadata4(v4_of(address));
    return address->sa_family == AF_INET6 && is_metadata6(bytes6_of(address));
}

bool is_public(const std::string& address) {
    in_addr in4{};
    if (::inet_pton(AF_INET, address.c_str(), &in4) == 1) return is_public4(ntohl(in4.s_addr));
    Bytes6 bytes;
    const std::string without_zone = address.substr(0, address.find('%'));
    return ::inet_pton(AF_INET6, without_zone.c_str(), bytes.data()) == 1 && is_public6(bytes);
}

std::string digits_of(const sockaddr* address) {
    char text[INET6_ADDRSTRLEN] = {};
    const void* from = nullptr;
    if (address->sa_family == AF_INET) from = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    if (address->sa_family == AF_INET6) from = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (from == nullptr || ::inet_ntop(address->sa_family, from, text, sizeof(text)) == nullptr) return "";
    return text;
}

}  // namespace pg_ocr::http
