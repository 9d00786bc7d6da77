// A value of the same type that is added to a convolution's result (a residual connection) becomes
// an input of the convolution:
//
//   conv(x, w, b) + z  =>  fused(x, w, b, z) {post_ops=[Add(3)]}
//
// A Relu after it follows by fuse_conv_activation.

#include "passes/fuse/fuse.h"
#include "passes/rule.h"

namespace weft {
namespace {

Condition Holds(const Match& m) {
  return All({HasSingleReader(m, "conv"), HaveSameType(m, "z", "conv")});
}

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  std::vector<Value> inputs(conv.inputs().begin(), conv.inputs().end());
  if (inputs.size() < 3) inputs.resize(3);  // no bias
  AttributeMap attributes = conv.attributes();
  std::vector<PostOp> post_ops = GetPostOps(attributes, "post_ops");
  post_ops.push_back({.op = "Add", .attributes = {}, .input = static_cast<int64_t>(inputs.size())});
  attributes.insert_or_assign("post_ops", std::move(post_ops));
  inputs.push_back(m["z"]);
  return {r.OpAs(conv.name(), "FusedConv", std::move(inputs), std::move(attributes))};
}

}  // namespace

Pass FuseConvAdd() {
  return ToPass({.name = "fuse_conv_add",
                 .doc = "add a residual to a convolution's result while it is stored",
                 .pattern = Op("Add", {OneOf({"Conv", "FusedConv"}).As("conv"), Any().As("z")}),
                 .conditions = Holds,
                 .rewrite = Replace});
}

}  // namespace weft
