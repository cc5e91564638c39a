// The one exception of the engine's rooms: why a document, or a page of it, cannot be read.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "document/document.h"

namespace pg_ocr {

struct DocumentError : std::runtime_error {
    explicit DocumentError(Failure why) : std::runtime_error(why.message), failure(std::move(why)) {}
    DocumentError(ErrorCode code, std::string message) : DocumentError(Failure{code, std::move(message)}) {}
    Failure failure;
};

}  // namespace pg_ocr
