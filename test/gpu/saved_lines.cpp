#include "saved_lines.h"

#include <cstdint>
#include <fstream>
#include <stdexcept>

namespace pg_ocr {
namespace {

void write(std::ofstream& to, size_t value) {
    for (int shift = 0; shift < 32; shift += 8) to.put(static_cast<char>(value >> shift));
}

uint32_t number(std::ifstream& from) {
    uint32_t value = 0;
    for (int shift = 0; shift < 32; shift += 8) value |= static_cast<uint32_t>(from.get() & 0xff) << shift;
    return value;
}

}  // namespace

void save_lines(const std::string& path, const SavedPages& pages) {
    std::ofstream to(path, std::ios::binary);
    write(to, pages.size());
    for (const auto& lines : pages) {
        write(to, lines.size());
        for (const recognise::LineImage& line : lines) {
            write(to, line.width);
            write(to, line.height);
            to.write(reinterpret_cast<const char*>(line.pixels.data()),
                     static_cast<std::streamsize>(line.pixels.size()));
        }
    }
    if (!to.flush()) throw std::runtime_error("cannot write " + path);
}

SavedPages saved_lines(const std::string& path) {
    std::ifstream from(path, std::ios::binary);
    SavedPages pages(number(from));
    for (auto& lines : pages) {
        lines.resize(number(from));
        for (recognise::LineImage& line : lines) {
            line.width = number(from);
            line.height = number(from);
            line.pixels.resize(size_t{line.width} * line.height);
            from.read(reinterpret_cast<char*>(line.pixels.data()), static_cast<std::streamsize>(line.pixels.size()));
        }
        if (!from) throw std::runtime_error("cannot read " + path);
    }
    return pages;
}

}  // namespace pg_ocr
