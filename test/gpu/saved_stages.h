// Pages as a card gets them, and what the CPU makes of them, in a file: so that a machine which can read no images, and
// has no Leptonica, can hold a card to that. Of pixels there are only fingerprints.
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "cuda/card_page.h"
#include "cuda/page_lines.h"
#include "document/document.h"

namespace pg_ocr {

inline uint64_t fingerprint_of(std::span<const uint8_t> bytes) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
    return hash;
}

struct SavedComponent {
    Box box;
    int32_t pixels;
};

/// By so much pages were turned, and so large were windows for a local threshold.
inline constexpr float turned_by_degrees = -1.2f;
inline constexpr uint32_t half_a_window = 24;
inline constexpr int32_t dpi_of_window = 300;

struct SavedStages {
    CardPage page{};  ///< without its words
    std::vector<uint32_t> words;
    std::vector<LineToCut> lines;
    std::vector<uint64_t> images;             ///< fingerprints, in the order of the lines; 0: it is empty
    std::vector<uint64_t> ink;                ///< fingerprints of a page in grey: by one threshold, and by many
    std::vector<SavedComponent> components;   ///< of a page in black and white
    std::vector<uint64_t> evened_and_turned;  ///< fingerprints of a page in grey, of whole words; each by itself
};

/// The pixels of a page of such measures in whole words of 4, as a fingerprint.
inline uint64_t fingerprint_of(const CardPage& page, const uint32_t* words) {
    std::vector<uint8_t> bytes;
    for (uint32_t y = 0; y < page.height; ++y) {
        const auto* row = reinterpret_cast<const uint8_t*>(words + size_t{y} * page.words_in_row);
        bytes.insert(bytes.end(), row, row + size_t{page.width} / 4 * 4);
    }
    return fingerprint_of(bytes);
}

/// Throws std::runtime_error, naming the file.
class StagesFile {
  public:
    static void save(const std::string& path, const std::vector<SavedStages>& pages) {
        std::ofstream to(path, std::ios::binary);
        const auto write = [&](const auto& values) {
            const uint64_t count = values.size();
            to.write(reinterpret_cast<const char*>(&count), sizeof count);
            to.write(reinterpret_cast<const char*>(values.data()),
                     static_cast<std::streamsize>(count * sizeof values[0]));
        };
        write(std::vector<uint64_t>{pages.size()});
        for (const SavedStages& page : pages) {
            write(std::vector<CardPage>{page.page});
            each_of(page, write);
        }
        if (!to.flush()) throw std::runtime_error("cannot write " + path);
    }
    static std::vector<SavedStages> load(const std::string& path) {
        std::ifstream from(path, std::ios::binary);
        const auto read = [&](auto& values) {
            using Value = typename std::remove_reference_t<decltype(values)>::value_type;
            static_assert(std::is_trivially_copyable_v<Value>);
            uint64_t count = 0;
            from.read(reinterpret_cast<char*>(&count), sizeof count);
            if (!from || count > uint64_t{1} << 30) throw std::runtime_error("cannot read " + path);
            values.resize(count);
            from.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(Value)));
        };
        std::vector<uint64_t> count;
        read(count);
        std::vector<SavedStages> pages(count.at(0));
        for (SavedStages& page : pages) {
            std::vector<CardPage> measures;
            read(measures);
            page.page = measures.at(0);
            each_of(page, read);
        }
        if (!from) throw std::runtime_error("cannot read " + path);
        return pages;
    }

  private:
    template <class Page, class Act>
    static void each_of(Page& page, const Act& act) {
        act(page.words);
        act(page.lines);
        act(page.images);
        act(page.ink);
        act(page.components);
        act(page.evened_and_turned);
    }
};

}  // namespace pg_ocr
