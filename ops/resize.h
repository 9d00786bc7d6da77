#ifndef WEFT_OPS_RESIZE_H_
#define WEFT_OPS_RESIZE_H_

#include <cstdint>
#include <vector>

#include "graph/op.h"

namespace weft {

// Of an axis that is resized, before and after: its terms are kept in tables.
inline constexpr int64_t kLongestResizedAxis = int64_t{1} << 24;

// Resize is linear, one axis after another: element o of a result along the axis is the sum of
// weights[k] times element sources[k] of the operand, for k in [starts[o], starts[o + 1]). A result
// without terms lies outside of the operand (tf_crop_and_resize).
struct ResizeAxis {
  int64_t input = 0;
  int64_t output = 0;
  bool identity = false;  // each element is its own only source; the vectors are empty
  std::vector<int64_t> starts = {};
  std::vector<int64_t> sources = {};
  std::vector<double> weights = {};

  ResizeAxis Transposed() const;
};

// The axes of a Resize of `input` to `output`; roi, scales and sizes as the op's operands. The
// result is null-safe: an absent operand has present = false.
std::vector<ResizeAxis> ResizeAxes(const AttributeMap& attributes, std::span<const int64_t> input,
                                   std::span<const int64_t> output, const TensorView& roi,
                                   const TensorView& scales);

// The order to apply the axes in: those that shrink come first, so that nothing on the way is
// larger than both ends. Axes that change nothing are left out.
std::vector<size_t> ResizeOrder(const std::vector<ResizeAxis>& axes);

}  // namespace weft

#endif  // WEFT_OPS_RESIZE_H_
