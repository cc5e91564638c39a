// Lines of real pages in a file, so that a machine which can read no images has something to read. Little-endian
// uint32: pages; of each page, its lines; of each line, width and height, and then its grey pixels, row by row.
#pragma once

#include <string>
#include <vector>

#include "recognise/line.h"

namespace pg_ocr {

using SavedPages = std::vector<std::vector<recognise::LineImage>>;

/// Throws std::runtime_error, naming the file.
void save_lines(const std::string& path, const SavedPages&);
SavedPages saved_lines(const std::string& path);

}  // namespace pg_ocr
