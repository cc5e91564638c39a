#include "recognise/nonlinear.h"

#include <cmath>

namespace pg_ocr::recognise {

const Tables& tables() {
    static const Tables made = [] {
        Tables t{};
        for (uint32_t i = 0; i < table_size; ++i) {
            const double x = i / double{table_scale};
            t.tanh[i] = static_cast<float>(std::tanh(x));
            t.logistic[i] = static_cast<float>(1 / (1 + std::exp(-x)));
        }
        return t;
    }();
    return made;
}

}  // namespace pg_ocr::recognise
