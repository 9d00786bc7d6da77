#ifndef WEFT_RUNTIME_HOST_POINTWISE_CONV_H_
#define WEFT_RUNTIME_HOST_POINTWISE_CONV_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/kernel.h"

namespace weft {

// How MakePointwiseConv's kernel goes beyond the node.
struct PointwiseExtras {
  // Floats from pixel to pixel of the result, a region of an image of more channels; 0: dense.
  int64_t result_stride = 0;
  // Where there are two: Relu(X * scale + shift) is convolved instead of X, scale and shift being
  // two more inputs, one number a channel, which lie so.
  std::vector<Layout> scale_and_shift = {};
};

// The kernel of HostPointwiseConv for a Conv or FusedConv. Null where the node is no pointwise
// convolution, or has post-ops that could not run on such a result.
absl::StatusOr<std::unique_ptr<Kernel>> MakePointwiseConv(const KernelRequest& request,
                                                          const PointwiseExtras& extras);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POINTWISE_CONV_H_
