// The network's functions as Tesseract has them. They are tables with straight lines between: a better approximation
// would be another function, and read other text.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pg_ocr::recognise {

inline constexpr uint32_t table_size = 4096;
inline constexpr float table_scale = 256;
/// Of a cell of an LSTM, either way.
inline constexpr float state_limit = 100;

struct Tables {
    float tanh[table_size];      ///< of i / 256
    float logistic[table_size];  ///< of i / 256
};
const Tables& tables();

inline float from_table(const float (&table)[table_size], float x) {
    x *= table_scale;
    // Also where x is so large that no integer holds it.
    if (!(x < table_size - 1)) return 1;
    const auto index = static_cast<uint32_t>(x);
    return table[index] + (table[index + 1] - table[index]) * (x - static_cast<float>(index));
}
inline float table_tanh(const Tables& t, float x) { return x < 0 ? -from_table(t.tanh, -x) : from_table(t.tanh, x); }
inline float table_logistic(const Tables& t, float x) {
    return x < 0 ? 1 - from_table(t.logistic, -x) : from_table(t.logistic, x);
}

/// Half away from zero. Just below a half it is off, as Tesseract is.
inline int32_t rounded(float x) {
    // NOLINTNEXTLINE(bugprone-incorrect-roundings)
    return x >= 0 ? static_cast<int32_t>(x + 0.5f) : -static_cast<int32_t>(-x + 0.5f);
}
/// Of −1 to 1, as between layers of integers; what lies beyond, as a layer without bounds gives, is cut off.
inline int8_t as_int8(float x) { return static_cast<int8_t>(rounded(std::clamp(x * 127, -127.0f, 127.0f))); }

}  // namespace pg_ocr::recognise
