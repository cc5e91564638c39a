// A map of the plane as PDF has it: (x, y) becomes (a x + c y + e, b x + d y + f).
#pragma once

namespace pg_ocr {

struct Affine {
    double a = 1, b = 0, c = 0, d = 1, e = 0, f = 0;
};

/// First one, then the other.
inline Affine then(const Affine& first, const Affine& second) {
    return {first.a * second.a + first.b * second.c,
            first.a * second.b + first.b * second.d,
            first.c * second.a + first.d * second.c,
            first.c * second.b + first.d * second.d,
            first.e * second.a + first.f * second.c + second.e,
            first.e * second.b + first.f * second.d + second.f};
}

}  // namespace pg_ocr
