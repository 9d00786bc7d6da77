// A batch normalization in inference mode that no convolution could take is a scale and a shift of
// each channel, which the activation behind it joins (fuse_elementwise):
//
//   bn(x)  =>  x * s + (beta - mean*s)    with s = scale / sqrt(var + epsilon)
//
// as one node, FusedElementwise. s and the shift are graph arithmetic on constants; fold_constants
// computes them.

#include "absl/strings/str_cat.h"
#include "ops/fused_elementwise.h"
#include "passes/chains/chains.h"
#include "passes/linear/affine.h"
#include "passes/rule.h"

namespace weft {
namespace {

Condition FuseScaleShiftHolds(const Match& m) {
  const TensorType &x = m["x"].type(), &scale = m["scale"].type();
  return All({IsInMode(m, "bn", "inference"), HasFiniteScale(m, "bn"),
              Unless(x.dim(1) != scale.dim(0),
                     absl::StrCat(m["x"].ToString(), " is ", ToString(x), ", ",
                                  m["scale"].ToString(), " ", ToString(scale)))});
}

std::vector<Value> FuseScaleShiftReplace(const Match& m, Rewriter& r) {
  const Node& bn = *m.root();
  const Affine affine = ScaleAndShiftOf(bn, r);
  std::vector<int64_t> per_channel(static_cast<size_t>(bn.type().rank()) - 1, 1);
  per_channel[0] = -1;
  const Value channels = r.Ints(per_channel);
  const Value by = r.OpAs(m["scale"].node->name(), "Reshape", {affine.scale, channels});
  const Value plus = r.OpAs(m["beta"].node->name(), "Reshape", {affine.shift, channels});
  const std::vector<ElementwiseStep> steps = {{{.op = "Mul", .input = 1}},
                                              {{.op = "Add", .input = 2}}};
  return {r.OpAs(bn.name(), "FusedElementwise", {m["x"], by, plus}, ElementwiseAttributes(steps))};
}

}  // namespace

Pass FuseScaleShift() {
  return ToPass(
      {.name = "fuse_scale_shift",
       .doc = "a batch normalization at inference as a scale and a shift of each channel",
       .pattern = Op("BatchNormalization", {Any().As("x"), Any().As("scale"), Any().As("beta"),
                                            Any().As("mean"), Any().As("var")})
                      .As("bn"),
       .conditions = FuseScaleShiftHolds,
       .rewrite = FuseScaleShiftReplace});
}

}  // namespace weft
