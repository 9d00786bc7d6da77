// An activation becomes the last thing that the convolution does to its result:
//
//   relu(conv(x, w, b))                    =>  fused(x, w, b)    {post_ops=[Relu]}
//   relu(fused(x, w, b, z){post_ops=[Add]}) =>  fused(x, w, b, z) {post_ops=[Add, Relu]}

#include "ops/fused_conv.h"
#include "passes/fuse/fuse.h"
#include "passes/rule.h"

namespace weft {
namespace {

Condition Holds(const Match& m) { return HasSingleReader(m, "conv"); }

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  AttributeMap attributes = conv.attributes();
  std::vector<PostOp> post_ops = GetPostOps(attributes, "post_ops");
  post_ops.push_back(
      {.op = std::string(m.root()->op_name()), .attributes = m.root()->attributes(), .input = -1});
  attributes.insert_or_assign("post_ops", std::move(post_ops));
  std::vector<Value> inputs(conv.inputs().begin(), conv.inputs().end());
  return {r.OpAs(conv.name(), "FusedConv", std::move(inputs), std::move(attributes))};
}

}  // namespace

Pass FuseConvActivation() {
  return ToPass({.name = "fuse_conv_activation",
                 .doc = "apply an activation to a convolution's result while it is stored",
                 .pattern = OneOf(FusedActivations(), {OneOf({"Conv", "FusedConv"}).As("conv")}),
                 .conditions = Holds,
                 .rewrite = Replace});
}

}  // namespace weft
