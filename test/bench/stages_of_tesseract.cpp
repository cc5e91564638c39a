// Stands in the way of Tesseract's own calls and tells the clock which part has the CPU: a program's exported functions
// come before a library's. As stock_network.cpp it fits the 5.3 of Debian, whose library exports its internals;
// with another one, what is not found stays in the rest.
#include <dlfcn.h>

#include "stage_clock.h"

struct Pix;

namespace {

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define NAME_OF(symbol) #symbol
#define NAME(symbol) NAME_OF(symbol)
#define FIND_LINES _ZN9tesseract11TessBaseAPI9FindLinesEv
#define THRESHOLD _ZN9tesseract11TessBaseAPI9ThresholdEPP3Pix
#define CUT_LINE _ZNK9tesseract9Tesseract12GetRectImageERKNS_4TBOXERKNS_5BLOCKEiPS1_
#define SCALE_LINE _ZN9tesseract5Input17PrepareLSTMInputsERKNS_9ImageDataEPKNS_7NetworkEiPNS_5TRandEPf
#define NORMALISE _ZN9tesseract5Input15PreparePixInputERKNS_11StaticShapeENS_5ImageEPNS_5TRandEPNS_9NetworkIOE
#define FORWARD _ZN9tesseract6Series7ForwardEbRKNS_9NetworkIOEPKNS_15TransposedArrayEPNS_14NetworkScratchEPS1_
#define DECODE _ZN9tesseract16RecodeBeamSearch6DecodeERKNS_9NetworkIOEdddPKNS_10UNICHARSETEi
#define WORDS_OF_BEAM \
    _ZN9tesseract16RecodeBeamSearch22ExtractBestPathAsWordsERKNS_4TBOXEfbPKNS_10UNICHARSETEPNS_13PointerVectorINS_8WERD_RESEEEi
#define PARAGRAPHS _ZN9tesseract11TessBaseAPI16DetectParagraphsEb

extern "C" int FIND_LINES(void* tesseract) {
    static auto* const stock = next<int(void*)>(NAME(FIND_LINES));
    const StageClock::In layout(Stage::layout);
    return stock(tesseract);
}

extern "C" bool THRESHOLD(void* tesseract, Pix** binary) {
    static auto* const stock = next<bool(void*, Pix**)>(NAME(THRESHOLD));
    const StageClock::In threshold(Stage::threshold);
    return stock(tesseract, binary);
}

extern "C" void* CUT_LINE(const void* tesseract, const void* box, const void* block, int padding, void* cut) {
    static auto* const stock = next<void*(const void*, const void*, const void*, int, void*)>(NAME(CUT_LINE));
    const StageClock::In crop(Stage::crop);
    return stock(tesseract, box, block, padding, cut);
}

extern "C" Pix* SCALE_LINE(const void* line, const void* network, int least_width, void* random, float* scale) {
    static auto* const stock = next<Pix*(const void*, const void*, int, void*, float*)>(NAME(SCALE_LINE));
    const StageClock::In crop(Stage::crop);
    return stock(line, network, least_width, random, scale);
}

extern "C" void NORMALISE(const void* shape, Pix* line, void* random, void* to) {
    static auto* const stock = next<void(const void*, Pix*, void*, void*)>(NAME(NORMALISE));
    const StageClock::In crop(Stage::crop);
    stock(shape, line, random, to);
}

extern "C" void FORWARD(void* layers, bool debug, const void* input, const void* transposed, void* scratch, void* to) {
    static auto* const stock = next<void(void*, bool, const void*, const void*, void*, void*)>(NAME(FORWARD));
    const StageClock::In network(Stage::network);
    stock(layers, debug, input, transposed, scratch, to);
}

extern "C" void DECODE(void* beam, const void* scores, double ratio, double offset, double worst,
                       const void* characters, int mode) {
    static auto* const stock = next<void(void*, const void*, double, double, double, const void*, int)>(NAME(DECODE));
    const StageClock::In search(Stage::search);
    stock(beam, scores, ratio, offset, worst, characters, mode);
}

extern "C" void WORDS_OF_BEAM(void* beam, const void* box, float scale, bool debug, const void* characters, void* words,
                              int mode) {
    static auto* const stock =
        next<void(void*, const void*, float, bool, const void*, void*, int)>(NAME(WORDS_OF_BEAM));
    const StageClock::In search(Stage::search);
    stock(beam, box, scale, debug, characters, words, mode);
}

extern "C" void PARAGRAPHS(void* tesseract, bool after_recognition) {
    static auto* const stock = next<void(void*, bool)>(NAME(PARAGRAPHS));
    const StageClock::In stage(after_recognition ? Stage::text : Stage::layout);
    stock(tesseract, after_recognition);
}
