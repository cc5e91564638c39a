#include "engine/read/turn.h"

#include <array>
#include <new>

namespace pg_ocr {

Turn turn_of(uint16_t orientation) {
    static constexpr std::array<Turn, 9> turns{{{false, 0},
                                                {false, 0},
                                                {true, 0},
                                                {false, 180},
                                                {true, 180},
                                                {true, 270},
                                                {false, 90},
                                                {true, 90},
                                                {false, 270}}};
    return turns.at(orientation <= 8 ? orientation : 1);
}

Pixels turned(Pixels pixels, Turn turn) {
    if (turn.mirror) pixels.reset(pixFlipLR(nullptr, pixels.get()));
    if (pixels && turn.degrees != 0) pixels.reset(pixRotateOrth(pixels.get(), turn.degrees / 90));
    if (!pixels) throw std::bad_alloc();
    return pixels;
}

}  // namespace pg_ocr
