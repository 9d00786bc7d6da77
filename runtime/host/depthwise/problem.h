#ifndef WEFT_RUNTIME_HOST_DEPTHWISE_PROBLEM_H_
#define WEFT_RUNTIME_HOST_DEPTHWISE_PROBLEM_H_

#include <cstdint>
#include <optional>

#include "runtime/host/conv_form.h"

// A depthwise convolution, one filter for each channel, of channels-last images: 3x3 or 5x5 taps,
// steps of 1 or 2. It is computed in tiles of a few pixels by a vector of channels, whose sums stay
// in registers while the pixels under them are read once:
//
//   x (rows, columns)      y
//     . . . . . .            with taps w[row][column][channel]. Sums begin with the bias and take
//     . o o o o .   ->  o o o o   the taps in that order, those outside the image left out,
//     . o o o o .       o o o o   however tiles lie: the bits of a result do not depend on it.
//     . . . . . .

namespace weft {

struct DepthwiseProblem {
  int64_t taps = 3;    // along both axes
  int64_t stride = 1;  // the same
  int64_t images = 0, channels = 0;
  int64_t rows = 0, columns = 0;          // of x
  int64_t out_rows = 0, out_columns = 0;  // of y
  int64_t x_pixel = 0, y_pixel = 0;       // floats from a pixel to the next
  int64_t top = 0, left = 0;              // window (0, 0) begins at x's pixel (-top, -left)
  ResultBounds bounds = {};

  int64_t x_row() const { return columns * x_pixel; }
  int64_t y_row() const { return out_columns * y_pixel; }
  int64_t y_image() const { return out_rows * y_row(); }
};

// Nothing where the Conv or FusedConv is another, or has no pixels. Without bounds, with a dense y.
absl::StatusOr<std::optional<DepthwiseProblem>> ReadDepthwise(const KernelRequest& request);

struct DepthwiseOperands {
  const float* x = nullptr;
  const float* w = nullptr;     // [taps][taps][channels]
  const float* bias = nullptr;  // of the channels, or null
  float* y = nullptr;
};

// The output rows [row, end_row) of an image, for channels [channel, end_channel).
struct DepthwiseBand {
  int64_t image = 0;
  int64_t row = 0, end_row = 0;
  int64_t channel = 0, end_channel = 0;
};

// Channels that are computed together, about: with their taps, rows of them fit the L1 cache.
int64_t DepthwiseChannelsTogether(const DepthwiseProblem& p);

// Computes the band on the calling thread.
void RunDepthwiseBand(const DepthwiseProblem& p, const DepthwiseOperands& o,
                      const DepthwiseBand& band);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_DEPTHWISE_PROBLEM_H_
