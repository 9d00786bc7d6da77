// A batch normalization in inference mode is a scale and a shift of each channel, which the
// convolution before it can take over:
//
//   bn(conv(x, w, b))  =>  conv(x, w*s, (b - mean)*s + beta)   with s = scale / sqrt(var + epsilon)
//
// The right side is written as graph arithmetic on constants; fold_constants computes it.

#include "passes/linear/linear.h"
#include "passes/rule.h"

namespace weft {
namespace {

Condition Holds(const Match& m) {
  return All({IsInMode(m, "bn", "inference"), HasSingleReader(m, "conv"), IsConstant(m, "w"),
              IsConstant(m, "b"), IsConstant(m, "scale"), IsConstant(m, "beta"),
              IsConstant(m, "mean"), IsConstant(m, "var")});
}

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  const Value w = m["w"];
  const Value b = m["b"];
  const double epsilon = GetFloat(m.node("bn")->attributes(), "epsilon");

  const Value deviation =
      r.Op("Sqrt", {r.Op("Add", {m["var"], r.Scalar(epsilon, m["var"].type().dtype)})});
  const Value s = r.Op("Div", {m["scale"], deviation});
  std::vector<int64_t> one_per_filter(static_cast<size_t>(w.type().rank()), 1);
  one_per_filter[0] = -1;
  const Value new_w =
      r.OpAs(w.node->name(), "Mul", {w, r.Op("Reshape", {s, r.Ints(one_per_filter)})});
  const Value centred = b ? r.Op("Sub", {b, m["mean"]}) : r.Op("Neg", {m["mean"]});
  const Value new_b = r.OpAs(b ? b.node->name() : conv.name() + ".bias", "Add",
                             {r.Op("Mul", {centred, s}), m["beta"]});
  return {r.OpAs(conv.name(), "Conv", {m["x"], new_w, new_b}, conv.attributes())};
}

}  // namespace

Pass FoldConvBn() {
  return ToPass(
      {.name = "fold_conv_bn",
       .doc = "fold a batch normalization at inference into the convolution before it",
       .pattern =
           Op("BatchNormalization",
              {Op("Conv", {Any().As("x"), Any().As("w"), Any().As("b").Optional()}).As("conv"),
               Any().As("scale"), Any().As("beta"), Any().As("mean"), Any().As("var")})
               .As("bn"),
       .conditions = Holds,
       .rewrite = Replace});
}

}  // namespace weft
