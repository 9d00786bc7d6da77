#ifndef WEFT_RUNTIME_ONEDNN_POST_STEPS_H_
#define WEFT_RUNTIME_ONEDNN_POST_STEPS_H_

#include "runtime/onednn/primitive_kernel.h"

namespace weft {

// Makes the node's post-ops, from number `first` on, a host step of `kernel` on its output 0, which
// the primitives leave in the format `result`. Unimplemented where they cannot run there: an
// operand is broadcast over blocks of channels, or the format's padding would not stay zero.
absl::Status AddPostSteps(const KernelRequest& request, size_t first, const MemoryDesc& result,
                          PrimitiveKernel& kernel);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_POST_STEPS_H_
