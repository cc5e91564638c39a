// Single lines of a page that was read, read anew by themselves: enlarged, or with their own threshold.
#pragma once

#include <cstdint>
#include <functional>

#include "document/document.h"
#include "engine/fallback/treatment.h"

namespace pg_ocr {

/// Replaces the words of level lines of a poor confidence by what is read with a better one, of some dozens of lines at
/// most. The image is the page in the layout's pixels. read_line has the image of a line, as a page of its own, and
/// gives its words. Returns how many lines were replaced. Throws what read_line throws.
uint32_t read_doubtful_lines(Layout&, const PageImage&,
                             const std::function<Layout(PageImage&, const Treatment&)>& read_line);

}  // namespace pg_ocr
