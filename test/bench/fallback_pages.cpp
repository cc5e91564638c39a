// Reads documents whose text is known as Tesseract does by itself and in each tier, and prints what came of it;
// test/bench/fallback makes tables of it.
//
//   fallback_pages TESSDATA LANGUAGE MADE FILE...        FILE.gt.txt is the truth of FILE
//
// MADE is '-' for the files as they are, or what is done to a page's image before: some of turn=DEGREES, skew=DEGREES,
// small=FACTOR, shadow=SHARE, contrast=SHARE, inverted=1, noise=GREY, parted by commas. Of such, the first page is
// read. A line is: file, MADE, reader, errors in characters, characters, errors in words, words, words found, written
// and read in whatever order, seconds, confidence, and what was tried, as JSON; parted by tabs.
#include <tesseract/baseapi.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numbers>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>

#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/read_document.h"
#include "unit/reading.h"
#include "unit/scoring.h"

namespace pg_ocr {
namespace {

Pixels made(PIX* pix) {
    if (pix == nullptr) throw std::runtime_error("leptonica made nothing");
    return Pixels(pix);
}

template <typename Change>
Pixels changed(Pixels pixels, Change change) {
    const int32_t width = pixGetWidth(pixels.get()), height = pixGetHeight(pixels.get());
    for (int32_t y = 0; y < height; ++y) {
        l_uint32* row = pixGetData(pixels.get()) + static_cast<ptrdiff_t>(y) * pixGetWpl(pixels.get());
        for (int32_t x = 0; x < width; ++x) {
            const double grey = change(static_cast<double>(GET_DATA_BYTE(row, x)), static_cast<double>(x) / width,
                                       static_cast<double>(y) / height);
            SET_DATA_BYTE(row, x, static_cast<l_uint8>(std::clamp(std::lround(grey), 0L, 255L)));
        }
    }
    return pixels;
}

Pixels changed_by(Pixels pixels, const std::string& what, double much) {
    if (what == "turn") return made(pixRotateOrth(pixels.get(), static_cast<int>(much) / 90));
    if (what == "skew")
        return made(pixRotate(pixels.get(), static_cast<float>(much * std::numbers::pi / 180), L_ROTATE_AREA_MAP,
                              L_BRING_IN_WHITE, 0, 0));
    if (what == "small") return made(pixScale(pixels.get(), static_cast<float>(much), static_cast<float>(much)));
    if (what == "inverted") return changed(std::move(pixels), [](double grey, double, double) { return 255 - grey; });
    if (what == "contrast")
        return changed(std::move(pixels), [&](double grey, double, double) { return 190 - (255 - grey) * much; });
    // A hand's: an edge across the page, and darker towards a corner.
    if (what == "shadow")
        return changed(std::move(pixels), [&](double grey, double x, double y) {
            const double edge = 1 / (1 + std::exp(-40 * (x + 0.4 * y - 0.7)));
            return grey * (1 - much * (0.7 * edge + 0.3 * x));
        });
    if (what == "noise") {
        std::mt19937 random(1);
        std::normal_distribution<double> noise(0, much);
        return changed(std::move(pixels), [&](double grey, double, double) { return grey + noise(random); });
    }
    throw std::runtime_error("there is no change called " + what);
}

Pixels image_of(const std::string& document, uint32_t page_no) {
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    const DocumentType type = document_type(bytes);
    ReadRequest request;
    PageImage image = open_document(type, bytes, request)->image_of(page_no);
    pixSetResolution(image.pixels.get(), image.dpi, image.dpi);
    return std::move(image.pixels);
}

std::string made_page(const std::string& document, const std::string& changes) {
    Pixels pixels = image_of(document, 1);
    int32_t dpi = pixGetXRes(pixels.get());
    pixels = made(pixConvertTo8(pixels.get(), 0));
    std::istringstream all(changes);
    for (std::string change; std::getline(all, change, ',');) {
        const size_t equals = change.find('=');
        const double much = std::atof(change.substr(equals + 1).c_str());
        pixels = changed_by(std::move(pixels), change.substr(0, equals), much);
        if (change.starts_with("small=")) dpi = static_cast<int32_t>(std::lround(dpi * much));
    }
    pixSetResolution(pixels.get(), dpi, dpi);
    l_uint8* png = nullptr;
    size_t size = 0;
    if (pixWriteMemPng(&png, &size, pixels.get(), 0) != 0) throw std::runtime_error("leptonica wrote no PNG");
    std::string made(reinterpret_cast<const char*>(png), size);
    lept_free(png);
    return made;
}

struct Outcome {
    std::string text;
    double seconds = 0, confidence = -1;
    std::string tried = "[]";  ///< of the last page that was read more than once
};

Outcome read_in(Tier tier, const std::string& document, const std::string& language, Recognisers& recognisers) {
    ReadRequest request;
    request.languages = language;
    request.tier = tier;
    request.text_layer = TextLayer::ignore;
    Reading reading;
    read_document(reinterpret_cast<const uint8_t*>(document.data()), document.size(), request, recognisers, reading);
    Outcome outcome;
    outcome.text = reading.text();
    double words = 0, right = 0;
    for (const Page& page : reading.pages) {
        words += page.words;
        right += page.words * static_cast<double>(page.confidence);
        if (!page.tried.empty()) outcome.tried = page.tried;
    }
    if (words > 0) outcome.confidence = right / words;
    return outcome;
}

Outcome read_by_tesseract(const std::string& document, const std::string& language, Recognisers& recognisers) {
    tesseract::TessBaseAPI& tesseract = recognisers.for_languages(language);
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    const bool is_pdf = document_type(bytes) == DocumentType::pdf;
    ReadRequest request;
    const uint32_t pages = is_pdf ? open_document(DocumentType::pdf, bytes, request)->pages() : 1;
    Outcome outcome;
    for (uint32_t page_no = 1; page_no <= pages; ++page_no) {
        const Pixels pixels =
            is_pdf ? image_of(document, page_no)
                   : made(pixReadMem(reinterpret_cast<const l_uint8*>(document.data()), document.size()));
        tesseract.SetPageSegMode(tesseract::PSM_AUTO);
        tesseract.SetImage(pixels.get());
        const std::unique_ptr<const char[]> text(tesseract.GetUTF8Text());
        outcome.text += text ? text.get() : "";
        tesseract.Clear();
        tesseract.ClearAdaptiveClassifier();
    }
    return outcome;
}

template <typename Read>
void measure(const std::string& name, const std::string& reader, const std::string& truth, Read read) {
    const auto begin = std::chrono::steady_clock::now();
    const Outcome outcome = read();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const Score score = score_of(truth, outcome.text);
    std::printf("%s\t%s\t%zu\t%zu\t%zu\t%zu\t%zu\t%zu\t%zu\t%.3f\t%.2f\t%s\n", name.c_str(), reader.c_str(),
                score.character_errors, score.characters, score.word_errors, score.words, score.bag_found,
                score.bag_written, score.bag_read, seconds, outcome.confidence, outcome.tried.c_str());
    std::fflush(stdout);
}

void measure(const std::string& path, const std::string& changes, const std::string& language,
             Recognisers& recognisers) {
    std::string document = contents_of(path);
    const std::string truth = contents_of(path + ".gt.txt"), name = path + '\t' + changes;
    if (changes != "-") document = made_page(document, changes);
    measure(name, "stock", truth, [&] { return read_by_tesseract(document, language, recognisers); });
    for (const auto tier : {Tier::fast, Tier::balanced, Tier::accurate})
        measure(name, std::string(name_of(tier)), truth,
                [&] { return read_in(tier, document, language, recognisers); });
}

}  // namespace
}  // namespace pg_ocr

int main(int count, char** arguments) {
    using namespace pg_ocr;
    if (count < 5) {
        std::fprintf(stderr, "usage: fallback_pages TESSDATA LANGUAGE MADE FILE...\n");
        return 2;
    }
    Recognisers recognisers(arguments[1]);
    warm_up(recognisers, arguments[2], Recogniser::own);
    for (int i = 4; i < count; ++i) try {
            measure(arguments[i], arguments[3], arguments[2], recognisers);
        } catch (const DocumentError& error) {
            std::fprintf(stderr, "%s: %s\n", arguments[i], error.failure.message.c_str());
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s: %s\n", arguments[i], error.what());
        }
}
