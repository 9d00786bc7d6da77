#ifndef WEFT_OPS_CONV_H_
#define WEFT_OPS_CONV_H_

#include <initializer_list>
#include <vector>

#include "graph/op.h"
#include "ops/window.h"

// What Conv shares with its gradients.

namespace weft {

// strides, pads, dilations, group, kernel_shape, auto_pad, and `further` ones.
std::vector<AttributeSpec> ConvAttributes(std::initializer_list<AttributeSpec> further = {});

// The transpose of a convolution: dX[c] += W[o,c,tap] dY[o] over all outputs that read an input,
// from B[c] (null: zeros). No element may be missing: dY has the window's output dims, dX its input
// dims.
absl::Status EvaluateConvBack(const ConvWindow& window, const TensorView& dy, const TensorView& w,
                              const TensorView* b, const TensorView& dx);

// One multiply-accumulate for each output element and tap: `outputs` elements of Y times W's
// elements per output channel.
Cost ConvCost(int64_t outputs, const Dims& weights);

}  // namespace weft

#endif  // WEFT_OPS_CONV_H_
