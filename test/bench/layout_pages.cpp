// Scores documents whose text is known, as they are read in one way; test/bench/layout makes tables of it.
//
//   layout_pages TESSDATA WAY <documents
//
// WAY is stock, tesseract_layout, own_layout, which gives pages up to Tesseract's where it has doubts, or own_alone,
// which does not. A line of documents is: image, language, and the file that holds the
// text in this way or gets it, parted by tabs; IMAGE.gt.txt is the truth. Where that file is there already, the image
// is not read: stock always has one, from the program tesseract. A line of the outcome is: image, errors in characters,
// characters, words found, written and read in whatever order, pages, those that went to Tesseract's layout, and
// milliseconds.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "engine/fallback/fallback.h"
#include "engine/layout/own_layout.h"
#include "engine/layout/recognisers.h"
#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"
#include "unit/reading.h"
#include "unit/scoring.h"

namespace pg_ocr {
namespace {

struct Outcome {
    std::string text;
    size_t pages = 0, by_tesseracts_layout = 0;
    int64_t ms = 0;
};

/// One form for what looks the same: in print nobody can tell them apart, and models write what they learnt.
std::string plain(const std::string& text) {
    std::string all;
    for (const char32_t c : characters_of(text)) switch (c) {
            case U'\u2018':
            case U'\u2019':
            case U'\u201a':
            case U'\u201b':
            case U'`':
            case U'\u00b4':
                all += '\'';
                break;
            case U'\u201c':
            case U'\u201d':
            case U'\u201e':
                all += '"';
                break;
            case U'\u2010':
            case U'\u2011':
            case U'\u2012':
            case U'\u2013':
            case U'\u2014':
            case U'\u2212':
            case U'\u00ad':
                all += '-';
                break;
            case U'\u2022':
            case U'\u00b7':
            case U'\u2219':
            case U'\u25cf':
                all += '*';
                break;
            case U'\u2026':
                all += "...";
                break;
            case U'\u00a0':
                all += ' ';
                break;
            case U'\ufb00':
                all += "ff";
                break;
            case U'\ufb01':
                all += "fi";
                break;
            case U'\ufb02':
                all += "fl";
                break;
            case U'\ufb03':
                all += "ffi";
                break;
            case U'\ufb04':
                all += "ffl";
                break;
            default:
                append_utf8(all, c);
        }
    return all;
}

/// As tier fast has it: without tries in other ways, which would hide what the layout is worth, but for pages that ours
/// has doubts of.
Outcome read(const std::string& image, const std::string& language, LinesBy lines_by, Recognisers& recognisers) {
    const std::string document = contents_of(image);
    const Bytes bytes(reinterpret_cast<const uint8_t*>(document.data()), document.size());
    const auto begin = std::chrono::steady_clock::now();
    const auto never = begin + std::chrono::hours(1);
    ReadRequest request;
    request.tier = Tier::fast;
    const std::unique_ptr<Reader> reader = open_document(document_type(bytes), bytes, request);
    Outcome outcome;
    const ReadImage read = [&](PageImage& page, const Treatment& treatment, Clock::time_point until) {
        const int32_t mode = treatment.page_segmentation_mode;
        return read_page(recognisers.layout_for(language, mode), recognisers.models().for_languages(language), page,
                         mode, until, lines_by == LinesBy::own_where_sure ? treatment.lines_by : lines_by);
    };
    for (outcome.pages = 0; outcome.pages < reader->pages();) {
        const auto number = static_cast<uint32_t>(++outcome.pages);
        Layout layout;
        if (lines_by == LinesBy::own_where_sure) {
            const Means means{[&] { return reader->image_of(number); }, read, false};
            layout = read_in_ways(means, request, never).reading.layout;
        } else {
            PageImage page = reader->image_of(number);
            layout = read(page, {}, never);
        }
        outcome.text += page_text(layout) + '\n';
        if (layout.lines_by != Recogniser::own) ++outcome.by_tesseracts_layout;
    }
    outcome.ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
    return outcome;
}

LinesBy lines_by(const std::string& way) {
    if (way == "tesseract_layout") return LinesBy::tesseract;
    if (way == "own_layout") return LinesBy::own_where_sure;
    if (way == "own_alone") return LinesBy::own;
    throw std::runtime_error("nothing here reads in the way " + way);
}

Outcome outcome_in(const std::string& way, const std::string& image, const std::string& language,
                   const std::string& kept, Recognisers& recognisers) {
    Outcome outcome;
    if (std::ifstream file(kept, std::ios::binary); file) {
        std::string first;
        std::getline(file, first);
        std::istringstream(first) >> outcome.pages >> outcome.by_tesseracts_layout >> outcome.ms;
        std::ostringstream text;
        text << file.rdbuf();
        outcome.text = text.str();
        return outcome;
    }
    outcome = read(image, language, lines_by(way), recognisers);
    std::ofstream(kept, std::ios::binary)
        << outcome.pages << ' ' << outcome.by_tesseracts_layout << ' ' << outcome.ms << '\n'
        << outcome.text;
    return outcome;
}

void measure(const std::string& way, const std::string& line, Recognisers& recognisers) {
    std::istringstream fields(line);
    std::string image, language, kept;
    std::getline(fields, image, '\t');
    std::getline(fields, language, '\t');
    std::getline(fields, kept, '\t');
    const Outcome outcome = outcome_in(way, image, language, kept, recognisers);
    const Score score = score_of(plain(contents_of(image + ".gt.txt")), plain(outcome.text));
    std::printf("%s\t%zu\t%zu\t%zu\t%zu\t%zu\t%zu\t%zu\t%lld\n", image.c_str(), score.character_errors,
                score.characters, score.bag_found, score.bag_written, score.bag_read, outcome.pages,
                outcome.by_tesseracts_layout, static_cast<long long>(outcome.ms));
    std::fflush(stdout);
}

}  // namespace
}  // namespace pg_ocr

int main(int count, char** arguments) {
    using namespace pg_ocr;
    if (count != 3) {
        std::fprintf(stderr, "usage: layout_pages TESSDATA WAY <documents\n");
        return 2;
    }
    Recognisers recognisers(arguments[1]);
    for (std::string line; std::getline(std::cin, line);) try {
            measure(arguments[2], line, recognisers);
        } catch (const DocumentError& error) {
            std::fprintf(stderr, "%s: %s\n", line.c_str(), error.failure.message.c_str());
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s: %s\n", line.c_str(), error.what());
        }
}
