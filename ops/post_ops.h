#ifndef WEFT_OPS_POST_OPS_H_
#define WEFT_OPS_POST_OPS_H_

#include <string>
#include <string_view>
#include <vector>

#include "graph/op.h"

namespace weft {

// What fused ops (FusedConv, FusedGemm, …) do to their result Y, element by element, before it is
// stored: the attribute `post_ops`, in order. By the op's name, a post-op is
//
//   Relu, Gelu, …    an activation of Y with the op's attributes (OpTraits::activation)
//   Clip             of Y; the limits are attributes, min and max, as they were up to opset 6
//   Add, Mul, PRelu  of Y and the node's input number PostOp::input, which broadcasts to Y

// The op that a post-op of this name runs, with Y as its first input; null for what is none.
const OpDef* FindPostOp(std::string_view name);
// Checks names, kinds and values of the attributes of an op of one input, or of a post-op, and
// fills in defaults.
absl::Status CheckFunction(const OpDef& op, AttributeMap& attributes);
// Sorted.
const std::vector<std::string>& PostOpNames();
bool TakesOperand(const OpDef& post_op);

// Checks the node's post-ops on a result of type `y`. Operands are inputs from `first` on.
absl::Status CheckPostOps(const InferContext& c, int first, const TensorType& y);

// The reference: applies the node's post-ops to output 0, in place.
absl::Status ApplyPostOps(const EvalContext& c);

// The fused form of an op: FusedConv of Conv and of FusedConv; null where there is none.
const OpDef* FusedFormOf(std::string_view op);
// Conv of FusedConv; null where `op` is not fused.
const OpDef* UnfusedFormOf(const OpDef& op);
// The first of a fused op's inputs that are operands of post-ops.
int FirstOperandOf(const OpDef& fused);

}  // namespace weft

#endif  // WEFT_OPS_POST_OPS_H_
