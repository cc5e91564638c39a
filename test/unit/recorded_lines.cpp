#include "recorded_lines.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "reading.h"

namespace pg_ocr::recognise {
namespace {

Box parse_box(ModelBytes& from) {
    Box box;
    for (int32_t* edge : {&box.left, &box.top, &box.right, &box.bottom}) *edge = from.i32();
    return box;
}

std::vector<Box> parse_boxes(ModelBytes& from) {
    std::vector<Box> boxes(from.count(16));
    for (Box& box : boxes) box = parse_box(from);
    return boxes;
}

RecordedLine::Attempt parse_attempt(ModelBytes& from) {
    RecordedLine::Attempt attempt;
    attempt.language = from.u32();
    Scores& scores = attempt.scores.scores;
    scores.steps = from.u32();
    scores.classes = from.u32();
    scores.values.resize(size_t{scores.steps} * scores.classes);
    const auto u16 = [&] {
        const uint32_t low = from.u8();
        return low | uint32_t{from.u8()} << 8;
    };
    for (uint32_t step = 0; step < scores.steps; ++step) {
        for (uint32_t left = u16(); left > 0; --left) {
            const uint32_t code = u16();
            scores.values.at(size_t{step} * scores.classes + code) = from.f32();
        }
    }
    attempt.scores.frame.step_width = from.f32();
    attempt.scores.frame.box = parse_box(from);
    return attempt;
}

RecordedLine parse_line(ModelBytes& from) {
    RecordedLine line;
    for (uint32_t left = from.u32(); left > 0; --left) line.attempts.push_back(parse_attempt(from));
    line.layout.blobs = parse_boxes(from);
    line.layout.specks = parse_boxes(from);
    line.layout.words = parse_boxes(from);
    line.layout.box = parse_box(from);
    line.layout.spaces_before = from.u32();
    line.layout.begins_row = from.u8() != 0;
    for (uint32_t left = from.u32(); left > 0; --left) {
        RecordedLine::Expected word;
        word.text = from.text();
        word.box = parse_box(from);
        word.confidence = from.f32();
        word.spaces_before = from.u32();
        line.words.push_back(word);
    }
    return line;
}

}  // namespace

std::vector<RecordedLine> recorded_lines(const std::string& name) {
    std::ifstream file(data_path("recognise/" + name), std::ios::binary);
    const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (bytes.empty()) throw std::runtime_error("cannot read " + name);
    ModelBytes from(bytes);
    std::vector<RecordedLine> lines;
    while (from.left() > 0) lines.push_back(parse_line(from));
    return lines;
}

ModelFile installed_model(const std::string& language) {
    return ModelFile::read(tessdata_directory() + "/" + language + ".traineddata");
}

Language installed_language(const std::string& language) {
    const ModelFile file = installed_model(language);
    return parse_language(file, parse_network(file));
}

std::vector<LineWord> read(LineReader& reader, const RecordedLine& line, size_t& asked) {
    return reader.read(line.layout, [&](size_t language) -> std::optional<LineScores> {
        ++asked;
        for (const RecordedLine::Attempt& attempt : line.attempts)
            if (attempt.language == language) return attempt.scores;
        throw std::runtime_error("asked for a language that Tesseract did not need");
    });
}

}  // namespace pg_ocr::recognise
