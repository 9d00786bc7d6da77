// A constant added to each channel of a convolution is its bias:
//
//   conv(x, w, b) + c  =>  conv(x, w, b + c)   with c of [C,1,1], or one number for all channels

#include "passes/linear/linear.h"
#include "passes/rule.h"

namespace weft {
namespace {

Condition Holds(const Match& m) {
  return All({IsConstant(m, "c"), IsConstant(m, "b"), HasSingleReader(m, "conv"),
              IsPerChannel(m, "c", "conv")});
}

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  const TensorType& w = m["w"].type();
  const Value c = r.Op("Reshape", {m["c"], r.Ints({-1})});
  Value b = m["b"];
  if (b.null()) {  // zeros give one number for all channels its shape
    if (!w.dim(0).is_static()) return r.Decline(m["w"].ToString() + " has no fixed size");
    absl::StatusOr<Tensor> zeros = Tensor::Zeros(w.dtype, {w.dim(0).coefficient()});
    b = zeros.ok() ? r.Constant(*std::move(zeros)) : r.Fail(zeros.status());
  }
  const std::string name = m["b"] ? m["b"].node->name() : conv.name() + ".bias";
  const Value sum = r.OpAs(name, "Add", {b, c});
  return {r.OpAs(conv.name(), "Conv", {m["x"], m["w"], sum}, conv.attributes())};
}

}  // namespace

Pass FuseConvBias() {
  return ToPass(
      {.name = "fuse_conv_bias",
       .doc = "make a constant added to each channel of a convolution its bias",
       .pattern = Op(
           "Add", {Op("Conv", {Any().As("x"), Any().As("w"), Any().As("b").Optional()}).As("conv"),
                   Any().As("c")}),
       .conditions = Holds,
       .rewrite = Replace});
}

}  // namespace weft
