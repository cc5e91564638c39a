#include "engine/pdf/pipelines.h"

namespace pg_ocr {

std::string deflated(std::string_view bytes) {
    std::string packed;
    Outlet outlet([&packed](std::string_view piece) { packed += piece; });
    Pl_Flate flate("deflate", &outlet, Pl_Flate::a_deflate);
    write_to(flate, bytes);
    flate.finish();
    return packed;
}

}  // namespace pg_ocr
