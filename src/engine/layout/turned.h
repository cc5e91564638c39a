// Boxes on a page and on the page turned.
#pragma once

#include <cstdint>

#include "document/document.h"

namespace pg_ocr {

/// Between the page as it lies and the page turned clockwise, so that a block is upright.
class Turned {
  public:
    Turned(int32_t width, int32_t height, int32_t quarter_turns)
        : width_(width), height_(height), turns_(quarter_turns) {}
    Box upright(const Box& box) const { return turn(box, turns_, width_, height_); }
    Box on_page(const Box& box) const {
        const bool swapped = turns_ % 2 != 0;
        return turn(box, (4 - turns_) % 4, swapped ? height_ : width_, swapped ? width_ : height_);
    }

  private:
    static Box turn(const Box& box, int32_t turns, int32_t width, int32_t height) {
        switch (turns) {
            case 1:
                return {height - box.bottom, box.left, height - box.top, box.right};
            case 2:
                return {width - box.right, height - box.bottom, width - box.left, height - box.top};
            case 3:
                return {box.top, width - box.right, box.bottom, width - box.left};
            default:
                return box;
        }
    }
    int32_t width_, height_, turns_;
};

}  // namespace pg_ocr
