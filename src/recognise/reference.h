// What a network computes, one value after the other: what every faster kernel is compared with, bit by bit.
#pragma once

#include "recognise/line.h"
#include "recognise/network.h"

namespace pg_ocr::recognise {

/// The line has the network's height and at least x_scale pixels across. For a network of integers the scores are bit
/// by bit those of Tesseract 5; for one of floats, sums are added up in another order.
Scores forward_reference(const Network&, const LineImage&);

}  // namespace pg_ocr::recognise
