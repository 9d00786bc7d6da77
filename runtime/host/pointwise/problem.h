#ifndef WEFT_RUNTIME_HOST_POINTWISE_PROBLEM_H_
#define WEFT_RUNTIME_HOST_POINTWISE_PROBLEM_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/product.h"

// A pointwise (1x1) convolution of channels-last images: for each pixel, y = activation(W x + bias
// + addend). All pixels of a batch are the rows of one matrix product. Images may be regions of
// wider ones, the filters may be shared out to several results, and steps may leave pixels of x
// out: the pixels of a band are packed first,
//
//   x --[scale, shift, Relu; pack]--> v [panel][chunk of 16 channels][pixel][channel]
//   for each block of 32 filters, for each panel:
//     v, u [channel][filter] --[product, in registers]--> + bias, + addend, activation --> y
//
// so that those of a panel are side by side: in x they may be a power of two apart, of which a
// cache holds few.

namespace weft {

inline constexpr size_t kMostResults = 8;

// An image of some of the filters, in floats.
struct PointwiseResult {
  int64_t first = 0;  // filter: a multiple of kChannelChunk
  int64_t filters = 0;
  int64_t stride = 0;  // from pixel to pixel

  int64_t end() const { return first + filters; }
};

struct PointwiseProblem {
  int64_t images = 0, channels = 0, filters = 0;
  int64_t x_rows = 0, x_columns = 0;
  int64_t y_rows = 0, y_columns = 0;
  int64_t row_step = 1, column_step = 1;
  int64_t x_stride = 0, addend_stride = 0;    // floats from pixel to pixel
  std::vector<PointwiseResult> results = {};  // all filters, in their order
  bool packs = true;                          // pixels are packed
  int64_t panels_at_once = 1;                 // panels that one block of filters is multiplied with
  ResultBounds bounds = {};                   // the activation

  // Whether the lines of a panel's pixels where they lie are spread over the sets of an L1 cache.
  bool StaysInCache() const { return row_step == 1 && column_step == 1 && x_stride % 1024 != 0; }
  int64_t pixels() const { return images * y_rows * y_columns; }
  int64_t blocks() const { return (filters + kFilterBlock - 1) / kFilterBlock; }
  // Floats of v for each pixel of a band.
  int64_t v_floats() const {
    return (channels + kChannelChunk - 1) / kChannelChunk * kChannelChunk;
  }
};

// Nothing where the Conv or FusedConv is another, or has no pixels. Without results and bounds.
// x_stride: where x lies, or of a dense one.
absl::StatusOr<std::optional<PointwiseProblem>> ReadPointwise(const KernelRequest& request);

struct PointwiseOperands {
  const float* x = nullptr;
  // Numbers of x's channels, or null: Relu(x * scale + shift) is convolved instead of x.
  const float* scale = nullptr;
  const float* shift = nullptr;
  const float* u = nullptr;                          // as PointwiseFilters lays them out
  const float* bias = nullptr;                       // a number for each filter, or null
  const float* addend = nullptr;                     // of y's dims, or null; may be y
  absl::InlinedVector<float*, kMostResults> y = {};  // by result
};

// The pixels [pixel, pixel + pixels) of all images, and blocks [block, end_block) of filters.
struct PointwiseBand {
  int64_t pixel = 0, pixels = 0;
  int64_t block = 0, end_block = 0;
};

// Computes the band on the calling thread. v: v_floats() for each pixel of panels_at_once panels.
// The bits of a result do not depend on the band that it is in.
void RunPointwiseBand(const PointwiseProblem& p, const PointwiseOperands& o,
                      const PointwiseBand& band, float* v);

// Pixels that one product in registers takes: a band should have a multiple of it.
int64_t PointwisePanelPixels();

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POINTWISE_PROBLEM_H_
