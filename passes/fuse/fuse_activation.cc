// An activation becomes the last thing that a convolution or a matrix product does to its result:
//
//   relu(conv(x, w, b))                     =>  fused(x, w, b)    {post_ops=[Relu]}
//   relu(fused(x, w, b, z){post_ops=[Add]}) =>  fused(x, w, b, z) {post_ops=[Add, Relu]}
//   clip(gemm(a, b, c), 0, 6)               =>  fused(a, b, c)    {post_ops=[Clip{max=6, min=0}]}
//   prelu(conv(x, w, b), slope)             =>  fused(x, w, b, slope) {post_ops=[PRelu]}

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"
#include "passes/fuse/fuse.h"
#include "passes/fuse/post_op.h"

namespace weft {
namespace {

constexpr const char* kClipLimits[] = {"min", "max"};  // inputs 1 and 2 of Clip

std::vector<std::string> ActivationNames() {
  std::vector<std::string> names = PostOpNames();
  std::erase_if(names, [](const std::string& name) { return name == "Add" || name == "Mul"; });
  return names;
}

Condition HasConstantLimits(const Node& clip) {
  for (int i = 1; i < clip.num_inputs(); ++i) {
    const Value limit = clip.input(i);
    if (!limit || IsKnownNumber(limit)) continue;
    return {false, absl::StrCat(limit.ToString(), " is not a constant number")};
  }
  return {};
}

Condition FuseActivationHolds(const Match& m) {
  const bool clip = m.root()->op_name() == "Clip";
  return All({TakesPostOps(m), clip ? HasConstantLimits(*m.root()) : Condition()});
}

std::vector<Value> FuseActivationReplace(const Match& m, Rewriter& r) {
  const Node& root = *m.root();
  PostOp post{.op = std::string(root.op_name()), .attributes = root.attributes()};
  if (root.op_name() != "Clip") {
    return {WithPostOp(m, r, std::move(post), root.num_inputs() > 1 ? root.input(1) : Value())};
  }
  for (int i = 1; i < root.num_inputs(); ++i) {
    if (root.input(i)) post.attributes[kClipLimits[i - 1]] = ConstantValue(root.input(i))->At(0);
  }
  return {WithPostOp(m, r, std::move(post), Value())};
}

Pass FuseActivation(std::string_view name, std::string_view doc, Pattern product) {
  return ToPass({.name = name,
                 .doc = doc,
                 .pattern = OneOf(ActivationNames(), {std::move(product), Rest()}),
                 .conditions = FuseActivationHolds,
                 .rewrite = FuseActivationReplace});
}

}  // namespace

Pass FuseConvActivation() {
  return FuseActivation("fuse_conv_activation",
                        "apply an activation to a convolution's result while it is in the cache",
                        ConvProduct());
}

Pass FuseGemmActivation() {
  return FuseActivation("fuse_gemm_activation",
                        "apply an activation to a matrix product's result while it is in the cache",
                        MatrixProduct());
}

}  // namespace weft
