// Stands between the engine's parts (by the linker's --wrap, see CMakeLists.txt) and tells the clock which one has the
// CPU.
#include "engine/layout/ink.h"
#include "engine/layout/line_images.h"
#include "engine/lines/text_page.h"
#include "recognise/backend.h"
#include "recognise/line_reader.h"
#include "stage_clock.h"

#define BLACK_ON_WHITE "_ZN6pg_ocr14black_on_whiteEP3Pix"
#define TEXT_BLOCKS_OF "_ZN6pg_ocr14text_blocks_ofERN9tesseract11TessBaseAPIEi"
#define TEXT_PAGE_OF "_ZN6pg_ocr12text_page_ofEP3Pixi"
#define LINE_IMAGE_OF "_ZN6pg_ocr13line_image_ofEP3PixRKNS_8LineUnitEij"
#define FORWARD "_ZNK6pg_ocr9recognise15CompiledNetwork7forwardESt4spanIKNS0_9LineImageELm18446744073709551615EE"
#define READ_LINE \
    "_ZN6pg_ocr9recognise10LineReader4readERKNS0_10LineLayoutERKSt8functionIFSt8optionalINS0_10LineScoresEEmEE"

namespace pg_ocr {

Pixels told_ink(PIX*) __asm__("__real_" BLACK_ON_WHITE);
Pixels timed_ink(PIX*) __asm__("__wrap_" BLACK_ON_WHITE);
Pixels timed_ink(PIX* page) {
    const StageClock::In threshold(Stage::threshold);
    return told_ink(page);
}

using Blocks = std::vector<TextBlock>;
Blocks found_blocks(tesseract::TessBaseAPI&, int32_t mode) __asm__("__real_" TEXT_BLOCKS_OF);
Blocks timed_blocks(tesseract::TessBaseAPI&, int32_t mode) __asm__("__wrap_" TEXT_BLOCKS_OF);
Blocks timed_blocks(tesseract::TessBaseAPI& tesseract, int32_t mode) {
    const StageClock::In layout(Stage::layout);
    return found_blocks(tesseract, mode);
}

TextPage found_page(PIX* ink, int32_t turns) __asm__("__real_" TEXT_PAGE_OF);
TextPage timed_page(PIX* ink, int32_t turns) __asm__("__wrap_" TEXT_PAGE_OF);
TextPage timed_page(PIX* ink, int32_t turns) {
    const StageClock::In layout(Stage::layout);
    return found_page(ink, turns);
}

recognise::LineImage cut_image(PIX*, const LineUnit&, int32_t turns, uint32_t height) __asm__("__real_" LINE_IMAGE_OF);
recognise::LineImage timed_image(PIX*, const LineUnit&, int32_t turns,
                                 uint32_t height) __asm__("__wrap_" LINE_IMAGE_OF);
recognise::LineImage timed_image(PIX* page, const LineUnit& unit, int32_t turns, uint32_t height) {
    const StageClock::In crop(Stage::crop);
    return cut_image(page, unit, turns, height);
}

namespace recognise {

using Lines = std::span<const LineImage>;
std::vector<Scores> made_scores(const CompiledNetwork*, Lines) __asm__("__real_" FORWARD);
std::vector<Scores> timed_scores(const CompiledNetwork*, Lines) __asm__("__wrap_" FORWARD);
std::vector<Scores> timed_scores(const CompiledNetwork* network, Lines lines) {
    const StageClock::In in_network(Stage::network);
    return made_scores(network, lines);
}

using Words = std::vector<LineWord>;
Words read_words(LineReader*, const LineLayout&, const ScoresOf&) __asm__("__real_" READ_LINE);
Words timed_words(LineReader*, const LineLayout&, const ScoresOf&) __asm__("__wrap_" READ_LINE);
Words timed_words(LineReader* reader, const LineLayout& layout, const ScoresOf& scores) {
    const StageClock::In search(Stage::search);
    return read_words(reader, layout, scores);
}

}  // namespace recognise
}  // namespace pg_ocr
