#include "http/encoding.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>

namespace pg_ocr::http {
namespace {

constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Bytes of the well-formed character that it begins with; 0: none.
size_t character_at(std::string_view bytes) {
    const auto lead = static_cast<uint8_t>(bytes[0]);
    if (lead < 0x80) return 1;
    const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return 0;
    uint32_t code = lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) {
        const auto next = static_cast<uint8_t>(bytes[i]);
        if ((next & 0xC0) != 0x80) return 0;
        code = code << 6 | (next & 0x3Fu);
    }
    constexpr uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
    return length;
}

std::string clean(std::string_view bytes, size_t most, bool keep_lines) {
    std::string text;
    while (!bytes.empty()) {
        const size_t length = character_at(bytes);
        if (text.size() + std::max<size_t>(length, 1) > most) break;
        const bool is_line = keep_lines && (bytes[0] == '\n' || bytes[0] == '\t' || bytes[0] == '\r');
        if (length == 0) {
            text += '?';
        } else if (length == 1 && (static_cast<uint8_t>(bytes[0]) < ' ' || bytes[0] == 0x7F) && !is_line) {
            text += ' ';
        } else {
            text += bytes.substr(0, length);
        }
        bytes.remove_prefix(std::max<size_t>(length, 1));
    }
    return text;
}

}  // namespace

std::string percent_encode(std::string_view bytes, std::string_view kept) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(bytes.size());
    for (char c : bytes) {
        if (unreserved.find(c) != std::string_view::npos || kept.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            const auto byte = static_cast<uint8_t>(c);
            encoded += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return encoded;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
    std::string bytes;
    bytes.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
            bytes += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            bytes += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return bytes;
}

std::string hex(std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (char c : bytes) text += {digits[static_cast<uint8_t>(c) >> 4], digits[static_cast<uint8_t>(c) & 15]};
    return text;
}

std::string base64(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int length =
        ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                          reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<size_t>(length));
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length =
        ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                          reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (length < 0) return std::nullopt;
    size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    bytes.resize(static_cast<size_t>(length) - padding);
    return bytes;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

std::string printable(std::string_view bytes, size_t most) { return clean(bytes, most, false); }

std::string as_text(std::string_view bytes, size_t most) { return clean(bytes, most, true); }

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const size_t length = character_at(bytes);
        if (length == 0 || bytes[0] == '\0') return false;
        bytes.remove_prefix(length);
    }
    return true;
}

}  // namespace pg_ocr::http
