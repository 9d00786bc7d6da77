#ifndef WEFT_RUNTIME_HOST_DEPTHWISE_CHAIN_H_
#define WEFT_RUNTIME_HOST_DEPTHWISE_CHAIN_H_

#include <memory>

#include "runtime/kernel.h"

namespace weft {

// Convolutions behind each other, of channels-last images: a depthwise one with the pointwise one
// that makes its image, with the one that alone reads its result, or with both, as in MobileNetV2's
// blocks. A thread computes rows of all of them at a time, so that what is between stays in its L2
// cache:
//
//   x --expand--> rows of wide --depthwise--> rows of narrow --project, + addend--> rows of z
//
// The bits of a result do not depend on the number of threads.
struct DepthwiseChain {
  const KernelRequest* expand = nullptr;  // null for none
  const KernelRequest& depthwise;
  const KernelRequest* project = nullptr;  // the same
};

// Its inputs: the first one's image; of each of them the weights, the bias and the addend that
// there are. Null where a convolution is of another kind, where weights of a pointwise one are not
// constant, where post-ops other than Relu, Clip and activations follow, and an addend after
// `project`, or where the rows do not fit the cache. x and the addend lie as the requests say, the
// result as `result`.
absl::StatusOr<std::unique_ptr<Kernel>> MakeDepthwiseChain(const DepthwiseChain& chain,
                                                           const Layout& result);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_DEPTHWISE_CHAIN_H_
