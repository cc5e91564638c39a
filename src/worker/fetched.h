// What came of fetching a document from a store.
#pragma once

#include <cstdint>
#include <string>

#include "document/document.h"
#include "protocol/frame.h"
#include "protocol/http_message.h"

namespace pg_ocr {

struct Fetched {
    Failure failure;             ///< code none: it is here
    uint32_t retry_after_s = 0;  ///< how long the store asked to be left alone; 0: it did not
    UniqueFd document;           ///< sealed memfd
    std::string etag;            ///< empty: the store does not say
    uint64_t size = 0;           ///< bytes
    std::string sha256;          ///< 32 bytes
};

/// The option of this name; empty where it was not declared.
inline std::string option_of(const Options& options, std::string_view name) {
    for (const auto& [known, value] : options)
        if (known == name) return value;
    return {};
}

}  // namespace pg_ocr
