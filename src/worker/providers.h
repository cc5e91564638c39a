// Which providers read the pages of a tier, as pg_ocr.fast_providers and its like say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pg_ocr {

/// 'pg_ocr, tesseract, some_server'. Throws std::invalid_argument, saying what is wrong with it.
std::vector<std::string> providers_of(std::string_view setting);

}  // namespace pg_ocr
