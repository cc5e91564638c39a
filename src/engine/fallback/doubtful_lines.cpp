#include "engine/fallback/doubtful_lines.h"

#include <tesseract/publictypes.h>

#include <algorithm>
#include <new>
#include <optional>
#include <vector>

#include "engine/write/page_text.h"

namespace pg_ocr {
namespace {

/// In confidence, 0 to 100.
constexpr float doubtful_below = 80, better_by = 5;
constexpr size_t most_lines = 60;
/// Of a line's height: what is cut out around it.
constexpr int32_t above = 4, beside = 2;  ///< a quarter, half
/// In pixels, from descenders to ascenders.
constexpr int32_t small_line = 40;

Box cut_out(const Box& line, const PageImage& page) {
    const int32_t height = line.bottom - line.top;
    return {std::max(line.left - height / beside, 0), std::max(line.top - height / above, 0),
            std::min(line.right + height / beside, pixGetWidth(page.pixels.get())),
            std::min(line.bottom + height / above, pixGetHeight(page.pixels.get()))};
}

size_t characters_of(const std::vector<Word>& words) {
    size_t count = 0;
    for (const Word& word : words) count += word.text.size();
    return count;
}

/// The words of what is one line, from left to right.
std::vector<Word> words_of(Layout&& layout) {
    std::vector<Word> words;
    for (Block& block : layout.blocks)
        for (Line& line : block.lines) std::ranges::move(line.words, std::back_inserter(words));
    return words;
}

class DoubtfulLine {
  public:
    DoubtfulLine(Line& line, const PageImage& page,
                 const std::function<Layout(PageImage&, const Treatment&)>& read_line)
        : line_(line), area_(cut_out(line.box, page)), page_(page), read_line_(read_line) {}

    /// True where it was read better.
    bool read() {
        Treatment treatment;
        treatment.page_segmentation_mode = tesseract::PSM_SINGLE_LINE;
        const int32_t height = line_.box.bottom - line_.box.top;
        treatment.enlarged = height < small_line ? 2 : 1.5f;
        bool is_better = try_to(treatment);
        treatment.local = true;
        is_better |= try_to(treatment);
        return is_better;
    }

  private:
    bool try_to(const Treatment& treatment) {
        const int32_t width = area_.right - area_.left, height = area_.bottom - area_.top;
        BOX area{area_.left, area_.top, width, height, 1};
        PageImage image{Pixels(pixClipRectangle(page_.pixels.get(), &area, nullptr)), page_.dpi, 0, {}};
        if (!image.pixels) throw std::bad_alloc();
        image = treated(std::move(image), treatment);
        Layout layout = read_line_(image, treatment);
        map_back(layout, treatment, width, height);
        std::vector<Word> words = words_of(std::move(layout));
        // What is surer because less was read of it is not better.
        if (2 * characters_of(words) < characters_of(line_.words) || words.empty()) return false;
        const float confidence = confidence_of(words);
        if (confidence < line_.confidence + better_by) return false;
        for (Word& word : words) {
            word.box.left += area_.left;
            word.box.right += area_.left;
            word.box.top += area_.top;
            word.box.bottom += area_.top;
        }
        line_.words = std::move(words);
        line_.confidence = confidence;
        return true;
    }

    Line& line_;
    Box area_;
    const PageImage& page_;
    const std::function<Layout(PageImage&, const Treatment&)>& read_line_;
};

bool is_level(const Box& box) { return box.right - box.left >= box.bottom - box.top; }

}  // namespace

uint32_t read_doubtful_lines(Layout& layout, const PageImage& page,
                             const std::function<Layout(PageImage&, const Treatment&)>& read_line) {
    size_t tried = 0;
    uint32_t replaced = 0;
    for (Block& block : layout.blocks)
        for (Line& line : block.lines) {
            if (line.confidence >= doubtful_below || !is_level(line.box) || ++tried > most_lines) continue;
            replaced += DoubtfulLine(line, page, read_line).read() ? 1 : 0;
        }
    return replaced;
}

}  // namespace pg_ocr
