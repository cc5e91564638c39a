#include "reading.h"

#include <tesseract/baseapi.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

std::u32string folded(const std::string& text) {
    std::istringstream words(text);
    std::string joined;
    for (std::string word; words >> word;) joined += joined.empty() ? word : ' ' + word;
    return characters_of(joined);
}

}  // namespace

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
    static const bool warm = (warm_up(shared, "eng"), true);
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

Failure failure_of(const std::string& document, const ReadRequest& request) {
    try {
        read_bytes(document, request);
    } catch (const DocumentError& error) {
        return error.failure;
    }
    return {};
}

double character_error_rate(const std::string& truth, const std::string& text) {
    std::u32string wanted = folded(truth), got = folded(text);
    std::vector<size_t> row(got.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < wanted.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < got.size(); ++j) {
            size_t replaced = diagonal + (wanted[i] == got[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return static_cast<double>(row.back()) / static_cast<double>(std::max<size_t>(1, wanted.size()));
}

}  // namespace pg_ocr
