#ifndef WEFT_RUNTIME_HOST_POINTWISE_CONV_H_
#define WEFT_RUNTIME_HOST_POINTWISE_CONV_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/kernel.h"

namespace weft {

// How MakePointwiseConv's kernel goes beyond the node.
struct PointwiseExtras {
  // How the results lie that share the node's channels between them, in their order: channels-last
  // images or regions of such. None: the node's own, dense.
  std::vector<Layout> results = {};
  // Where there are two: Relu(X * scale + shift) is convolved instead of X, scale and shift being
  // two more inputs, one number a channel, which lie so.
  std::vector<Layout> scale_and_shift = {};
};

// The kernel of HostPointwiseConv for a Conv or FusedConv. Null where the node is no pointwise
// convolution, or has post-ops that could not run on such results, where a result other than the
// last one has channels that are no multiple of 16, and where there are more than kMostResults.
absl::StatusOr<std::unique_ptr<Kernel>> MakePointwiseConv(const KernelRequest& request,
                                                          const PointwiseExtras& extras);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POINTWISE_CONV_H_
