#include "engine/lines/components.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace pg_ocr {
namespace {

/// Ink side by side in a row; the end is exclusive.
struct Run {
    int32_t begin, end;
    uint32_t component;
};

/// Appends the runs of a row; what lies beyond the width is not looked at.
void append_runs(const l_uint32* row, int32_t width, std::vector<Run>& runs) {
    constexpr int32_t word_bits = 32;
    int32_t begin = -1;
    for (int32_t first = 0; first < width; first += word_bits) {
        l_uint32 word = row[first / word_bits];
        const int32_t rest = width - first;
        if (rest < word_bits) word &= ~l_uint32{0} << (word_bits - rest);
        if (begin < 0 && word == 0) continue;
        // What is looked for next is made 1, so that it can be counted to.
        for (int32_t at = 0; at < word_bits;) {
            const l_uint32 left = (begin < 0 ? word : ~word) << at;
            if (left == 0) break;
            at += std::countl_zero(left);
            if (begin < 0) {
                begin = first + at;
            } else {
                runs.push_back({begin, first + at, 0});
                begin = -1;
            }
        }
    }
    if (begin >= 0) runs.push_back({begin, width, 0});
}

class Forest {
  public:
    uint32_t add(const Run& run, int32_t y) {
        const auto id = static_cast<uint32_t>(parents_.size());
        parents_.push_back(id);
        components_.push_back({{run.begin, y, run.end, y + 1}, run.end - run.begin});
        return id;
    }
    uint32_t root(uint32_t id) {
        while (parents_[id] != id) {
            parents_[id] = parents_[parents_[id]];
            id = parents_[id];
        }
        return id;
    }
    void extend(uint32_t root, const Run& run, int32_t y) {
        Component& component = components_[root];
        component.box.left = std::min(component.box.left, run.begin);
        component.box.right = std::max(component.box.right, run.end);
        component.box.bottom = y + 1;
        component.pixels += run.end - run.begin;
    }
    /// The one that began first is what both are from now on.
    uint32_t join(uint32_t one, uint32_t other) {
        if (one == other) return one;
        const uint32_t root = std::min(one, other), child = std::max(one, other);
        parents_[child] = root;
        Component& component = components_[root];
        const Component& joined = components_[child];
        component.box = {std::min(component.box.left, joined.box.left), std::min(component.box.top, joined.box.top),
                         std::max(component.box.right, joined.box.right),
                         std::max(component.box.bottom, joined.box.bottom)};
        component.pixels += joined.pixels;
        return root;
    }
    std::vector<Component> roots() const {
        std::vector<Component> roots;
        for (uint32_t id = 0; id < parents_.size(); ++id)
            if (parents_[id] == id) roots.push_back(components_[id]);
        return roots;
    }

  private:
    std::vector<uint32_t> parents_;
    std::vector<Component> components_;
};

}  // namespace

std::vector<Component> components_of(PIX* ink) {
    const int32_t width = pixGetWidth(ink), height = pixGetHeight(ink);
    Forest forest;
    std::vector<Run> above, runs;
    for (int32_t y = 0; y < height; ++y) {
        runs.clear();
        append_runs(pixGetData(ink) + static_cast<ptrdiff_t>(y) * pixGetWpl(ink), width, runs);
        size_t first = 0;
        for (Run& run : runs) {
            while (first < above.size() && above[first].end < run.begin) ++first;
            bool is_new = true;
            for (size_t i = first; i < above.size() && above[i].begin <= run.end; ++i) {
                const uint32_t root = forest.root(above[i].component);
                run.component = is_new ? root : forest.join(forest.root(run.component), root);
                is_new = false;
            }
            if (is_new)
                run.component = forest.add(run, y);
            else
                forest.extend(run.component, run, y);
        }
        above.swap(runs);
    }
    return forest.roots();
}

}  // namespace pg_ocr
