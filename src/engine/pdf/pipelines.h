// What libqpdf writes into.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/pdf/qpdf.h"

namespace pg_ocr {

/// Gives all that is written to a function, which may throw.
class Outlet final : public Pipeline {
  public:
    explicit Outlet(std::function<void(std::string_view)> take) : Pipeline("outlet", nullptr), take_(std::move(take)) {}
#if defined(QPDF_MAJOR_VERSION) && QPDF_MAJOR_VERSION >= 11
    void write(unsigned char const* data, size_t size) override {
#else
    void write(unsigned char* data, size_t size) override {
#endif
        if (size > 0) take_({reinterpret_cast<const char*>(data), size});
    }
    void finish() override {}

  private:
    std::function<void(std::string_view)> take_;
};

inline void write_to(Pipeline& pipeline, std::string_view bytes) {
    // Until version 11 pipelines take bytes that they do not change as if they might.
    pipeline.write(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), bytes.size());
}

/// As a stream with the filter /FlateDecode has it.
std::string deflated(std::string_view);

}  // namespace pg_ocr
