// The backends of this machine's processor.
#pragma once

#include "recognise/backend.h"

namespace pg_ocr::recognise {

extern const Backend avx2_backend;
extern const Backend avx512_backend;

}  // namespace pg_ocr::recognise
