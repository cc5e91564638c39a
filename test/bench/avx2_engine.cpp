// Makes of the engine one that runs its networks as a machine without AVX512 would.
#include "chosen_backend.h"
#include "recognise/cpu/cpu_backends.h"

const pg_ocr::recognise::Backend* chosen_backend = &pg_ocr::recognise::avx2_backend;
