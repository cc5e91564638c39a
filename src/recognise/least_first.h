// A heap with its least key at the front. Which of equal keys stays, and in which order they stand, decides what is
// read: so its moves are fixed here, and not left to a standard library.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace pg_ocr::recognise {

/// Item has a `key()`, by which items are compared.
template <typename Item>
class LeastFirst {
  public:
    size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    void clear() { items_.clear(); }
    const Item& front() const { return items_.front(); }
    std::span<const Item> items() const { return items_; }  ///< in their order within

    void push(const Item& item) {
        items_.push_back(item);
        rise(items_.size() - 1, item);
    }
    Item pop() {
        const Item least = items_.front();
        const Item last = items_.back();
        items_.pop_back();
        if (!items_.empty()) items_[sink(0, last)] = last;
        return least;
    }
    void replace(size_t index, const Item& by) { rise(sink(index, by), by); }

  private:
    /// Moves parents into the gap until the item fits there, and puts it.
    void rise(size_t gap, const Item& item) {
        while (gap > 0) {
            const size_t parent = (gap - 1) / 2;
            if (!(item.key() < items_[parent].key())) break;
            items_[gap] = items_[parent];
            gap = parent;
        }
        items_[gap] = item;
    }
    /// Moves lesser children into the gap; where it is at last.
    size_t sink(size_t gap, const Item& item) {
        while (2 * gap + 1 < items_.size()) {
            size_t child = 2 * gap + 1;
            if (child + 1 < items_.size() && items_[child + 1].key() < items_[child].key()) ++child;
            if (!(items_[child].key() < item.key())) break;
            items_[gap] = items_[child];
            gap = child;
        }
        return gap;
    }
    std::vector<Item> items_;
};

}  // namespace pg_ocr::recognise
