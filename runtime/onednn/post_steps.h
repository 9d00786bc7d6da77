#ifndef WEFT_RUNTIME_ONEDNN_POST_STEPS_H_
#define WEFT_RUNTIME_ONEDNN_POST_STEPS_H_

#include <vector>

#include "runtime/onednn/primitive_kernel.h"

namespace weft {

// A fused node's post-ops by who does them. Where the first one adds a value of the result's dims,
// a product that can adds it itself, as a sum with what is in the result's memory: the addend lies
// there already, where the plan could arrange that, or is copied. What follows is done by loops of
// ours.
struct FusedPosts {
  int addend = -1;  // the input that the product adds; -1 for none
  std::vector<PostOp> rest = {};

  bool adds() const { return addend >= 0; }
};
// `can_add`: whether the node's product can. No post-ops for a node that has no such attribute.
FusedPosts PostsOf(const KernelRequest& request, bool can_add);

// Those of the product's primitive: a sum where it adds.
dnnl::primitive_attr AttributesFor(const FusedPosts& posts);

// Lays an addend that is not there yet into the result's memory.
void CopyUnlessThere(const std::byte* from, int64_t bytes, std::byte* to);

// Makes `posts` steps of `kernel` around its primitives, which leave output 0 in the format
// `result`; one of them sums where there is an addend. Unimplemented where the steps cannot run
// there: an operand is broadcast over blocks of channels, or the format's padding would not stay
// zero.
absl::Status AddPostSteps(const KernelRequest& request, const FusedPosts& posts,
                          const MemoryDesc& result, PrimitiveKernel& kernel);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_POST_STEPS_H_
