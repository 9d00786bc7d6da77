#ifndef WEFT_RUNTIME_HOST_POINTWISE_CONV_H_
#define WEFT_RUNTIME_HOST_POINTWISE_CONV_H_

#include <cstdint>
#include <memory>

#include "runtime/kernel.h"

namespace weft {

// The kernel of HostPointwiseConv for a Conv or FusedConv, whose result is a region of an image of
// more channels, `pixel_stride` floats from pixel to pixel, or dense: 0. Null where the node is no
// pointwise convolution, or has post-ops that could not run there.
absl::StatusOr<std::unique_ptr<Kernel>> MakePointwiseConv(const KernelRequest& request,
                                                          int64_t pixel_stride);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POINTWISE_CONV_H_
