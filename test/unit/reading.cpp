#include "reading.h"

#include <tesseract/baseapi.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <stdexcept>

#include "engine/layout/own_layout.h"

namespace pg_ocr {

std::string data_path(const std::string& name) { return std::string(TEST_DATA) + "/" + name; }

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string tessdata_directory() {
    static const std::string directory = [] {
        tesseract::TessBaseAPI tesseract;
        if (tesseract.Init(nullptr, "eng") != 0) throw std::runtime_error("Tesseract's model eng is not installed");
        return std::string(tesseract.GetDatapath());
    }();
    return directory;
}

bool is_installed(const std::string& language) {
    return std::filesystem::exists(tessdata_directory() + "/" + language + ".traineddata");
}

Recognisers& recognisers() {
    static Recognisers shared(tessdata_directory());
    static const bool warm = (warm_up(shared, "eng", Recogniser::own), true);
    static_cast<void>(warm);
    return shared;
}

std::string Reading::text() const {
    return std::accumulate(pages.begin(), pages.end(), std::string(),
                           [](std::string all, const Page& page) { return std::move(all) + page.text; });
}

Reading read_bytes(const std::string& document, const ReadRequest& request) {
    Reading reading;
    read_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request, recognisers(), reading);
    return reading;
}

Reading read_file(const std::string& name, const ReadRequest& request) {
    return read_bytes(contents_of(data_path(name)), request);
}

Layout read_in_tesseracts_lines(PageImage& image, Recognisers& of, const std::string& languages, int32_t mode) {
    const auto never = std::chrono::steady_clock::now() + std::chrono::hours(1);
    return read_page(of.layout_for(languages, mode), of.models().for_languages(languages), image, mode, never,
                     LinesBy::tesseract);
}

Failure failure_of(const std::string& document, const ReadRequest& request) {
    try {
        read_bytes(document, request);
    } catch (const DocumentError& error) {
        return error.failure;
    }
    return {};
}

}  // namespace pg_ocr
