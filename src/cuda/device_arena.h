// Which parts of a card's memory are taken. It never touches them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

namespace pg_ocr {

class DeviceArena {
  public:
    explicit DeviceArena(size_t bytes) : bytes_(bytes) {}
    /// Where so many bytes begin, as CUDA aligns what it gives; nothing where no gap has them.
    std::optional<size_t> take(size_t bytes) {
        constexpr size_t aligned = 256;
        size_t begin = 0;
        for (const auto& [taken, end] : ends_) {
            if (begin + bytes <= taken) break;
            begin = (end + aligned - 1) / aligned * aligned;
        }
        if (begin > bytes_ || bytes > bytes_ - begin) return std::nullopt;
        ends_[begin] = begin + bytes;
        return begin;
    }
    void give_back(size_t begin) { ends_.erase(begin); }

  private:
    size_t bytes_;
    std::map<size_t, size_t> ends_;  // by where they begin
};

}  // namespace pg_ocr
