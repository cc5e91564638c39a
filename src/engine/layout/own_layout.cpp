#include "engine/layout/own_layout.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/layout/page_in_tesseract.h"
#include "engine/layout/turned.h"
#include "engine/lines/text_page.h"
#include "engine/write/page_text.h"
#include "engine/write/utf8.h"
#include "recognise/best_classes.h"
#include "recognise/line_reader.h"
#include "recognise/reading_order.h"

namespace pg_ocr {
namespace {

using recognise::LineFrame;
using recognise::LineImage;
using recognise::LineLayout;
using recognise::LineScores;
using recognise::LineWord;
using recognise::mean_of_best;
using recognise::Scores;

/// Poorer lines are read again as white on black.
constexpr float poor = 0.7f;
/// Lines that go through the network together.
constexpr size_t lines_at_once = 64;

/// A unit of the layout on its way through the network.
struct Unit {
    const LineUnit* layout = nullptr;
    int32_t quarter_turns = 0;
    std::optional<Scores> scores;  ///< by the main language; nothing where there is no image to read
};

/// The scores of images, each the better of black on white and white on black. Nothing for an empty image.
std::vector<std::optional<Scores>> scores_of(const Model& model, std::vector<LineImage>&& images) {
    const int32_t null_code = model.language.null_code;
    std::vector<size_t> places;
    std::vector<LineImage> batch;
    for (size_t i = 0; i < images.size(); ++i) {
        if (images[i].width < model.x_scale || images[i].pixels.empty()) continue;
        places.push_back(i);
        batch.push_back(std::move(images[i]));
    }
    std::vector<Scores> first = forward(model, batch);
    std::vector<std::optional<Scores>> all(images.size());
    std::vector<size_t> poor_places;
    std::vector<LineImage> other_way;
    for (size_t i = 0; i < first.size(); ++i) {
        if (mean_of_best(first[i], null_code) < poor) {
            poor_places.push_back(places[i]);
            other_way.push_back(inverted(batch[i]));
        }
        all[places[i]] = std::move(first[i]);
    }
    std::vector<Scores> second = forward(model, other_way);
    for (size_t i = 0; i < second.size(); ++i) {
        std::optional<Scores>& kept = all[poor_places[i]];
        if (mean_of_best(second[i], null_code) > mean_of_best(*kept, null_code)) kept = std::move(second[i]);
    }
    return all;
}

void check_time(std::chrono::steady_clock::time_point until) {
    if (std::chrono::steady_clock::now() >= until) throw TimeIsUp();
}

/// Reads all units by the main language, a batch at a time.
std::vector<Unit> units_of(const std::vector<TextBlock>& blocks, PIX* page, const Model& model,
                           std::chrono::steady_clock::time_point until) {
    std::vector<Unit> units;
    for (const TextBlock& block : blocks)
        for (const LineOfUnits& line : block.lines)
            for (const LineUnit& unit : line.units) units.push_back({&unit, block.quarter_turns, {}});
    for (size_t begin = 0; begin < units.size(); begin += lines_at_once) {
        check_time(until);
        const size_t end = std::min(begin + lines_at_once, units.size());
        std::vector<LineImage> images;
        for (size_t i = begin; i < end; ++i)
            images.push_back(line_image_of(page, *units[i].layout, units[i].quarter_turns, model.height));
        std::vector<std::optional<Scores>> scores = scores_of(model, std::move(images));
        for (size_t i = begin; i < end; ++i) units[i].scores = std::move(scores[i - begin]);
    }
    return units;
}

class PageReader {
  public:
    PageReader(const std::vector<const Model*>& models, PIX* page)
        : models_(models), page_(page), reader_(languages()) {
        reader_.begin_page();
    }
    /// Takes the unit's scores.
    std::vector<LineWord> words_of(Unit& unit, bool begins_row) {
        const Turned turned(pixGetWidth(page_), pixGetHeight(page_), unit.quarter_turns);
        LineLayout layout;
        for (const Box& blob : unit.layout->blobs) layout.blobs.push_back(turned.upright(blob));
        for (const Box& speck : unit.layout->specks) layout.specks.push_back(turned.upright(speck));
        for (const Box& word : unit.layout->words) layout.words.push_back(turned.upright(word));
        layout.box = turned.upright(unit.layout->box);
        layout.begins_row = begins_row;
        layout.has_whole_letters = unit.layout->has_whole_letters;
        std::vector<LineWord> words = reader_.read(layout, [&](size_t language) { return scores_in(language, unit); });
        for (LineWord& word : words) {
            word.word.box = clipped(turned.on_page(word.word.box));
            word.word.text = valid_utf8(trimmed(word.word.text));
            word.word.is_familiar =
                word.source == recognise::WordSource::words || models_[word.language]->language.dictionary.empty();
        }
        std::erase_if(words, [](const LineWord& word) { return word.is_blank || word.word.text.empty(); });
        return words;
    }

    /// See LineReader.
    const std::vector<float>& certainties() const { return reader_.certainties(); }

  private:
    std::vector<const recognise::Language*> languages() const {
        std::vector<const recognise::Language*> all;
        for (const Model* model : models_) all.push_back(&model->language);
        return all;
    }
    /// Steps are of whole pixels, the last one may end behind the page.
    Box clipped(const Box& box) const {
        const int32_t width = pixGetWidth(page_), height = pixGetHeight(page_);
        const int32_t left = std::clamp(box.left, 0, width), top = std::clamp(box.top, 0, height);
        return {left, top, std::clamp(box.right, left, width), std::clamp(box.bottom, top, height)};
    }
    std::optional<LineScores> scores_in(size_t language, Unit& unit) const {
        const Model& model = *models_[language];
        const Turned turned(pixGetWidth(page_), pixGetHeight(page_), unit.quarter_turns);
        const float step =
            static_cast<float>(model.x_scale) * page_pixels_of(*unit.layout, unit.quarter_turns, model.height);
        const LineFrame frame{turned.upright(unit.layout->crop), step};
        if (language == 0) {
            if (!unit.scores) return std::nullopt;
            return LineScores{std::move(*unit.scores), frame};
        }
        std::vector<std::optional<Scores>> scores =
            scores_of(model, {line_image_of(page_, *unit.layout, unit.quarter_turns, model.height)});
        if (!scores[0]) return std::nullopt;
        return LineScores{std::move(*scores[0]), frame};
    }
    const std::vector<const Model*>& models_;
    PIX* page_;
    recognise::LineReader reader_;
};

void extend(std::optional<Box>& box, const std::optional<Box>& by) {
    if (box && by)
        box = recognise::union_of(*box, *by);
    else if (by)
        box = by;
}

/// A line with what was read in it.
struct ReadLine {
    std::vector<LineWord> words;
    std::vector<float> certainties;  ///< of the words and of blanks
    std::optional<Box> ink;          ///< of the units that the layout had parted
    std::optional<Box> read;         ///< of the words in the others
    std::optional<Box> box() const {
        std::optional<Box> both = ink;
        extend(both, read);
        return both;
    }
};

ReadLine read_line(const LineOfUnits& line, std::vector<Unit>::iterator& unit, PageReader& reader) {
    ReadLine result;
    for (size_t i = 0; i < line.units.size(); ++i, ++unit) {
        std::vector<LineWord> words = reader.words_of(*unit, i == 0);
        std::ranges::copy(reader.certainties(), std::back_inserter(result.certainties));
        const bool has_ink = !unit->layout->words.empty() && unit->layout->ink;
        if (has_ink) extend(result.ink, unit->layout->ink);
        for (LineWord& word : words) {
            if (!has_ink) extend(result.read, word.word.box);
            result.words.push_back(std::move(word));
        }
    }
    return result;
}

/// Modes that say: the image is one line, word or character. Where the layout sees several lines, one is it.
bool shows_one_line(int32_t mode) {
    return mode == tesseract::PSM_SINGLE_LINE || mode == tesseract::PSM_SINGLE_WORD ||
           mode == tesseract::PSM_CIRCLE_WORD || mode == tesseract::PSM_SINGLE_CHAR || mode == tesseract::PSM_RAW_LINE;
}

/// Leaves only the words of the line that is surest.
void keep_surest(std::vector<std::vector<ReadLine>>& blocks) {
    const ReadLine* surest = nullptr;
    float most = 0;
    for (const std::vector<ReadLine>& lines : blocks)
        for (const ReadLine& line : lines) {
            const float sum = std::accumulate(line.certainties.begin(), line.certainties.end(), 0.0f);
            const float mean = sum / static_cast<float>(line.certainties.size());
            if (surest != nullptr && mean <= most) continue;
            surest = &line;
            most = mean;
        }
    for (std::vector<ReadLine>& lines : blocks)
        for (ReadLine& line : lines) {
            if (&line == surest) continue;
            line.words.clear();
            line.read.reset();
        }
}

Layout layout_of(std::vector<std::vector<ReadLine>>&& blocks) {
    Layout layout;
    for (std::vector<ReadLine>& lines : blocks) {
        std::optional<Box> block_box;
        for (const ReadLine& line : lines) extend(block_box, line.box());
        std::erase_if(lines, [](const ReadLine& line) { return line.words.empty(); });
        if (lines.empty()) continue;
        std::vector<std::vector<LineWord>> words;
        words.reserve(lines.size());
        for (ReadLine& line : lines) words.push_back(std::move(line.words));
        const std::vector<bool> left_to_right = recognise::directions_of_paragraphs(words);
        Block& block = layout.blocks.emplace_back(Block{*block_box, {}});
        for (size_t i = 0; i < lines.size(); ++i) {
            Line& line =
                block.lines.emplace_back(Line{*lines[i].box(), 0, in_reading_order(words[i], left_to_right[i])});
            line.confidence = confidence_of(line.words);
        }
    }
    return layout;
}

/// How sure the network is of some of the longest lines.
float legibility(const std::vector<TextBlock>& blocks, PIX* page, const Model& model) {
    constexpr size_t samples = 8;
    std::vector<Unit> longest;
    for (const TextBlock& block : blocks)
        for (const LineOfUnits& line : block.lines)
            for (const LineUnit& unit : line.units) longest.push_back({&unit, block.quarter_turns, {}});
    const size_t count = std::min(samples, longest.size());
    std::ranges::partial_sort(longest, longest.begin() + static_cast<ptrdiff_t>(count), std::greater<>(),
                              [](const Unit& unit) { return unit.layout->blobs.size(); });
    std::vector<LineImage> images;
    for (size_t i = 0; i < count; ++i)
        images.push_back(line_image_of(page, *longest[i].layout, longest[i].quarter_turns, model.height));
    float sum = 0;
    for (const std::optional<Scores>& scores : scores_of(model, std::move(images)))
        sum += scores ? mean_of_best(*scores, model.language.null_code) : 0;
    return count == 0 ? 0 : sum / static_cast<float>(count);
}

/// By our own layout. Whether lines run down the page or up it, letters' shapes do not tell: that is tried.
TextPage own_text_page(const PageImage& image, const Model& model) {
    TextPage page = text_page_of(image.ink.get());
    if (!page.runs_down) return page;
    TextPage down = text_page_of(image.ink.get(), 3), up = text_page_of(image.ink.get(), 1);
    const auto legibility_of = [&](const TextPage& turned) {
        return legibility(turned.blocks, image.pixels.get(), model);
    };
    return legibility_of(down) > legibility_of(up) ? std::move(down) : std::move(up);
}

/// Scripts whose letters stand side by side on a line, from the left, and apart: Latin, Greek, Cyrillic.
bool is_of_known_script(const recognise::Unicharset& characters) {
    constexpr uint8_t first_beyond = 0xd5;  // in UTF-8: from Armenian and Hebrew on
    ptrdiff_t known = 0, other = 0;
    for (const recognise::Unichar& character : characters.unichars)
        if (character.is_letter) ++(static_cast<uint8_t>(character.text.front()) < first_beyond ? known : other);
    return known > other;
}

struct FoundLines {
    std::vector<TextBlock> blocks;
    Recogniser by = Recogniser::own;
    std::string doubt;
};

/// The page's ink is told.
FoundLines found_lines(tesseract::TessBaseAPI& tesseract, const PageImage& image, const Model& model, int32_t mode,
                       LinesBy lines_by) {
    std::string doubt;
    if (lines_by != LinesBy::tesseract && mode == tesseract::PSM_AUTO &&
        is_of_known_script(model.language.unicharset)) {
        TextPage page = own_text_page(image, model);
        if (page.doubt.empty() || lines_by == LinesBy::own) return {std::move(page.blocks), Recogniser::own, {}};
        doubt = std::move(page.doubt);
    }
    PageImage ink{Pixels(pixClone(image.ink.get())), image.dpi, 0, {}};
    const PageInTesseract page(tesseract, ink, mode);
    return {text_blocks_of(tesseract, mode), Recogniser::tesseract, std::move(doubt)};
}

}  // namespace

Layout read_page(tesseract::TessBaseAPI& tesseract, const std::vector<const Model*>& models, PageImage& image,
                 int32_t page_segmentation_mode, std::chrono::steady_clock::time_point until, LinesBy lines_by) {
    check_time(until);
    // The lines are cut from the page in grey, of which Tesseract needs the ink only.
    PIX* pixels = image.pixels.get();
    if (!image.ink) image.ink = black_on_white(pixels);
    FoundLines found = found_lines(tesseract, image, *models.front(), page_segmentation_mode, lines_by);
    std::vector<Unit> units = units_of(found.blocks, pixels, *models.front(), until);
    PageReader reader(models, pixels);
    std::vector<std::vector<ReadLine>> read;
    auto unit = units.begin();
    for (const TextBlock& block : found.blocks) {
        read.emplace_back();
        for (const LineOfUnits& line : block.lines) {
            check_time(until);
            read.back().push_back(read_line(line, unit, reader));
        }
    }
    if (shows_one_line(page_segmentation_mode)) keep_surest(read);
    Layout layout = layout_of(std::move(read));
    layout.lines_by = found.by;
    layout.doubt = std::move(found.doubt);
    return layout;
}

}  // namespace pg_ocr
