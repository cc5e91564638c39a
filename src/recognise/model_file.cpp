#include "recognise/model_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace pg_ocr::recognise {
namespace {

constexpr uint32_t most_components = 1000;

}  // namespace

float ModelBytes::f32() { return std::bit_cast<float>(u32()); }
double ModelBytes::f64() { return std::bit_cast<double>(integer(8)); }

std::string ModelBytes::text(size_t most) {
    const uint32_t length = u32();
    if (length > most) throw ModelError("holds a name of " + std::to_string(length) + " characters");
    std::span<const uint8_t> characters = take(length);
    return {characters.begin(), characters.end()};
}

uint32_t ModelBytes::count(size_t item_size) {
    const uint32_t items = u32();
    if (items > left() / item_size) throw ModelError("is cut off");
    return items;
}

std::span<const uint8_t> ModelBytes::take(size_t bytes) {
    if (bytes > rest_.size()) throw ModelError("is cut off");
    std::span<const uint8_t> taken = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return taken;
}

std::string_view ModelBytes::line() {
    const std::string_view rest(reinterpret_cast<const char*>(rest_.data()), rest_.size());
    const std::string_view line = rest.substr(0, rest.find('\n'));
    take(std::min(line.size() + 1, rest.size()));
    return line;
}

uint64_t ModelBytes::integer(size_t bytes) {
    uint64_t value = 0;
    std::span<const uint8_t> taken = take(bytes);
    for (size_t i = 0; i < bytes; ++i) value |= uint64_t{taken[i]} << (8 * i);
    return value;
}

ModelFile::ModelFile(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {
    const std::span<const uint8_t> all(bytes_);
    ModelBytes from(all);
    const uint32_t entries = from.u32();
    if (entries == 0 || entries > most_components) throw ModelError("is no model of Tesseract");
    std::vector<int64_t> offsets(entries);
    for (int64_t& offset : offsets) offset = from.i64();
    // A component ends where the next one that is there begins.
    int64_t end = static_cast<int64_t>(all.size());
    components_.resize(entries);
    for (size_t i = entries; i-- > 0;) {
        if (offsets[i] < 0) continue;
        if (offsets[i] > end) throw ModelError("is cut off, or its table of components is damaged");
        components_[i] = all.subspan(static_cast<size_t>(offsets[i]), static_cast<size_t>(end - offsets[i]));
        end = offsets[i];
    }
}

ModelFile ModelFile::read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw ModelError("cannot be opened: " + std::string(std::strerror(errno)));
    std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (file.bad()) throw ModelError("cannot be read");
    return ModelFile(std::move(bytes));
}

std::optional<std::span<const uint8_t>> ModelFile::component(Component which) const {
    const auto index = static_cast<size_t>(which);
    if (index >= components_.size() || components_[index].empty()) return std::nullopt;
    return components_[index];
}

}  // namespace pg_ocr::recognise
