// Lines for networks, and how scores are compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "recognise/line.h"
#include "recognise/network.h"

namespace pg_ocr::recognise {

/// Floats are summed up in another order: the most by which a score may differ.
inline constexpr float float_bound = 2e-5f;

/// Strokes and paper, so that all of the tables is met, not only its ends.
LineImage noisy_line(uint32_t width, uint32_t height, uint32_t seed);

/// Bands of a real page, scaled: some hold a line of text, some cut through two. The i-th is of 150 + 30 × i pixels,
/// before it is scaled from 40 pixels to the height.
std::vector<LineImage> printed_lines(uint32_t height, size_t count);

/// The model of a language that is installed.
Network installed_network(const std::string& language);

/// Of integers bit by bit, of floats within float_bound.
void expect_same(const Scores& expected, const Scores& scores, bool bit_by_bit, const std::string& where);

}  // namespace pg_ocr::recognise
