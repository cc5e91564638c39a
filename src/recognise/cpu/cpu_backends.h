// The backends of this machine's processor.
#pragma once

#include "recognise/backend.h"

namespace pg_ocr::recognise {

extern const Backend portable_backend;  ///< runs everywhere
#ifdef __x86_64__
extern const Backend avx2_backend;
extern const Backend avx512_backend;
#endif

}  // namespace pg_ocr::recognise
