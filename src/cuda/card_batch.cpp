#include "cuda/card_batch.h"

#include <algorithm>

#include "recognise/line_layers.h"

namespace pg_ocr {

CardBatch batch_of(std::span<const recognise::LinePixels> lines, uint32_t height) {
    CardBatch made;
    for (uint32_t i = 0; i < lines.size(); ++i)
        if (lines[i].width >= recognise::pool_side) made.order.push_back(i);
    std::stable_sort(made.order.begin(), made.order.end(),
                     [&](uint32_t a, uint32_t b) { return lines[a].width > lines[b].width; });
    size_t pixels = 0;
    for (uint32_t i : made.order) {
        const auto& [from, width] = lines[i];
        const recognise::Contrast contrast = recognise::contrast_of(from, width, height);
        const uint32_t steps = width / recognise::pool_side;
        for (uint32_t step = 0; step < steps; step += tile_steps)
            made.tiles.push_back({static_cast<uint32_t>(made.lines.size()), step});
        made.lines.push_back({pixels, width, made.places, steps, contrast.black, contrast.half});
        made.places += steps;
        pixels += size_t{width} * height;
    }
    return made;
}

}  // namespace pg_ocr
