#include "engine/fallback/ways.h"

#include <tesseract/publictypes.h>

#include <algorithm>
#include <cmath>

namespace pg_ocr {
namespace {

/// A page that is not upright is read with an estimate below; upside down, it looks like lines of text all the same.
constexpr float upright_from = 50;
/// In pixels. The network's own images of lines are 36 high.
constexpr float legible_letters = 5, small_letters = 17, wanted_letters = 26, largest_enlargement = 4,
                least_enlargement = 1.25f;
/// In degrees.
constexpr float slight_skew = 0.25f, plain_skew = 1.2f;
constexpr float slight_shading = 0.08f, plain_shading = 0.3f;
/// Of all pieces of ink, those of small print that may be letters; the others are dots and dirt.
constexpr float least_letters = 0.25f;
/// Fewer pieces of ink are no text.
constexpr uint32_t letters_to_try = 4;

class Ways {
  public:
    Ways(const PageReading& reading, const Appearance& appearance, const ReadRequest& request)
        : reading_(reading), appearance_(appearance), request_(request) {}

    /// By what each was worth on pages with known text: docs/results.md, test/bench/fallback.
    std::vector<Way> all(bool has_best_models) {
        add_level();
        const bool may_lie = reading_.estimate < upright_from;
        if (may_lie && appearance_.turn_is_sure && appearance_.turn != 0) add_turn(appearance_.turn);
        if (may_lie && !appearance_.turn_is_sure) add_turn(180);
        if (std::optional<Way> way = other_lines_for(reading_)) ways_.push_back(*std::move(way));
        add_straightened();
        add_inverted();
        if (appearance_.light.shading >= slight_shading && !appearance_.light.is_dark)
            add_evened(appearance_.light.shading >= plain_shading);
        const bool has_columns = has_columns_of_prose(reading_.layout);
        if (!has_columns) add_segmentation("as one block", tesseract::PSM_SINGLE_BLOCK);
        add_enlarged();
        add_evened(false);
        add_local();
        if (!has_columns) add_segmentation("as one column", tesseract::PSM_SINGLE_COLUMN);
        add_sparse();
        if (has_best_models) add_best_models();
        if (may_lie)
            for (const int32_t degrees : {180, 90, 270}) add_turn(degrees);
        return std::move(ways_);
    }

    std::vector<Way> of_good_reading() {
        add_level();
        add_inverted();
        if (appearance_.light.shading >= plain_shading && !appearance_.light.is_dark) add_evened(true);
        return std::move(ways_);
    }

  private:
    Treatment now() const { return reading_.treatment; }

    void add(std::string name, const Treatment& treatment, bool even_if_enough = false) {
        Way way;
        way.name = std::move(name);
        way.treatment = treatment;
        way.even_if_enough = even_if_enough;
        ways_.push_back(std::move(way));
    }

    void add_turn(int32_t degrees) {
        Treatment treatment = now();
        treatment.turn = (treatment.turn + degrees) % 360;
        treatment.skew = 0;
        add("turned by " + std::to_string(treatment.turn), treatment);
    }

    /// The text is the same, as lines that run down the page are turned to be read; but a page should not lie.
    void add_level() {
        const int32_t level = turn_of_lines(reading_.layout);
        if (level == 0) return;
        add_turn(appearance_.turn_is_sure && appearance_.turn % 180 != 0 ? appearance_.turn : level);
        ways_.back().even_if_enough = ways_.back().makes_level = true;
    }

    void add_straightened() {
        const Skew& skew = appearance_.skew;
        if (std::abs(skew.degrees) < slight_skew) return;
        Treatment treatment = now();
        treatment.skew += skew.degrees;
        const bool is_plain = skew.is_sure && std::abs(skew.degrees) >= plain_skew;
        add("straightened", treatment, is_plain);
        // Lines are mixed up on a skewed page, of which an estimate of words sees nothing.
        if (is_plain) ways_.back().margin = 0;
    }

    void add_evened(bool even_if_enough) {
        Treatment treatment = now();
        if (treatment.evened) return;
        treatment.evened = true;
        add("evened", treatment, even_if_enough);
    }

    /// White ink is told from black paper without it, but only black ink from uneven paper.
    void add_inverted() {
        Treatment treatment = now();
        if (!appearance_.light.is_dark || treatment.inverted) return;
        treatment.inverted = treatment.evened = true;
        add("inverted", treatment, appearance_.light.shading >= plain_shading);
    }

    /// Specks that are enlarged look like letters: Tesseract's search for columns among a hundred thousand takes
    /// minutes.
    void add_enlarged() {
        Treatment treatment = now();
        const bool is_noise =
            static_cast<float>(appearance_.letters) < least_letters * static_cast<float>(appearance_.pieces);
        if (treatment.enlarged > 1 || is_noise || appearance_.letter_height < legible_letters ||
            appearance_.letter_height >= small_letters)
            return;
        const float wanted = std::min(wanted_letters / appearance_.letter_height, largest_enlargement);
        treatment.enlarged = possible_enlargement(wanted, reading_.width, reading_.height, request_.limits);
        if (treatment.enlarged >= least_enlargement) add("enlarged", treatment);
    }

    void add_segmentation(const char* name, int32_t mode) {
        Treatment treatment = now();
        if (treatment.page_segmentation_mode != tesseract::PSM_AUTO) return;
        treatment.page_segmentation_mode = mode;
        add(name, treatment);
    }

    /// Its words come in no order that could be relied on: only where much is found that was not, which it hardly is
    /// where most of the page was read.
    void add_sparse() {
        constexpr float much = 8, most = 80;
        if (now().page_segmentation_mode != tesseract::PSM_AUTO || reading_.estimate >= most) return;
        add_segmentation("as sparse text", tesseract::PSM_SPARSE_TEXT);
        ways_.back().margin = much;
    }

    void add_local() {
        Treatment treatment = now();
        if (treatment.local) return;
        treatment.local = true;
        treatment.inverted |= appearance_.light.is_dark;
        add("local threshold", treatment);
    }

    void add_best_models() {
        Treatment treatment = now();
        if (treatment.models == ModelKind::best) return;
        treatment.models = ModelKind::best;
        add("best models", treatment);
    }

    const PageReading& reading_;
    const Appearance& appearance_;
    const ReadRequest& request_;
    std::vector<Way> ways_;
};

}  // namespace

int32_t turn_of_lines(const Layout& layout) {
    int64_t upwards = 0, downwards = 0, level = 0;
    for (const Block& block : layout.blocks)
        for (const Line& line : block.lines) {
            if (line.words.size() < 2) continue;
            const auto words = static_cast<int64_t>(line.words.size());
            const Box &first = line.words.front().box, &last = line.words.back().box;
            const int32_t across = std::abs(last.left - first.left), down = last.top - first.top;
            if (std::abs(down) <= across)
                level += words;
            else
                (down < 0 ? upwards : downwards) += words;
        }
    if (level >= upwards + downwards) return 0;
    return upwards >= downwards ? 90 : 270;
}

bool has_columns_of_prose(const Layout& layout) {
    constexpr size_t lines_of_prose = 3, words_of_a_line = 4;
    std::vector<Box> prose;
    for (const Block& block : layout.blocks) {
        size_t words = 0;
        for (const Line& line : block.lines) words += line.words.size();
        if (block.lines.size() < lines_of_prose || words < words_of_a_line * block.lines.size()) continue;
        const auto is_beside = [&](const Box& other) {
            const Box& box = block.box;
            const int32_t both = std::min(box.bottom, other.bottom) - std::max(box.top, other.top);
            const int32_t least = std::min(box.bottom - box.top, other.bottom - other.top);
            return 2 * both > least && (box.right <= other.left || other.right <= box.left);
        };
        if (std::ranges::any_of(prose, is_beside)) return true;
        prose.push_back(block.box);
    }
    return false;
}

std::optional<Way> other_lines_for(const PageReading& reading) {
    constexpr float doubtful = 90;
    if (reading.layout.lines_by != Recogniser::own || reading.estimate >= doubtful ||
        has_columns_of_prose(reading.layout))
        return std::nullopt;
    Way way{"Tesseract's layout", reading.treatment, 0};
    way.treatment.lines_by = LinesBy::tesseract;
    way.even_if_enough = true;
    return way;
}

std::vector<Way> ways_for_good(const PageReading& reading, const Light& light, const ReadRequest& request) {
    Appearance appearance;
    appearance.light = light;
    return Ways(reading, appearance, request).of_good_reading();
}

std::vector<Way> ways_for(const PageReading& reading, const Appearance& appearance, const ReadRequest& request,
                          bool has_best_models) {
    if (appearance.letters < letters_to_try) return {};
    return Ways(reading, appearance, request).all(has_best_models);
}

}  // namespace pg_ocr
