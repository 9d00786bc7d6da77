// What scales and shifts the channels that a linear op reads becomes part of its weights and bias:
//
//   linear(x*s + t, w, b)  =>  linear(x, w*s, b + linear(t, w))
//
// fold_bn_conv does it for a batch normalization at inference, fold_affine_conv for Add, Sub, Mul
// and Div with one constant a channel or one for all, as images are normalized. Padding is zero
// before and after, so a shift is declined where there is any: the border has none of it.
// Where x varies far less than its mean is large, the sums that centring kept small are large
// again, and lose as many digits.

#include "absl/strings/str_cat.h"
#include "passes/conv_form.h"
#include "passes/linear/affine.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

// Every element of the result sums the shift over the same taps.
Condition SeesWholeShift(const Match& m) {
  const Node& linear = *m.node("linear");
  const std::string shift = absl::StrCat("the shift of ", m.node("affine")->name());
  if (linear.op_name() == "ConvTranspose") {
    return Unless(
        true, absl::StrCat(linear.name(), " sums more taps at some places than at others, ", "and ",
                           shift, " with them"));
  }
  if (linear.op_name() != "Conv") return {};
  const Condition no_padding = HasNoPadding(m, "linear");
  return Unless(!no_padding.holds,
                absl::StrCat(no_padding.failure, ", and ", shift, " would not reach the border"));
}

Condition FoldBeforeHolds(const Match& m) {
  const Condition none;
  return All({IsAtInference(m), HasSingleReader(m, "affine"), HasChannels(m), IsConstant(m, "w"),
              IsConstant(m, "b"), IsAffine(m, "x", ReadLinearOp(m).x_axis),
              Shifts(m) ? MayHaveBias(m) : none, Shifts(m) ? SeesWholeShift(m) : none});
}

std::vector<Value> FoldBeforeReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Affine affine = ReadAffine(m, r);
  const Value effect = affine.shift ? EffectOfShift(r, op, affine.shift) : Value();
  const Value bias = NewBias(r, op, {}, effect);
  const Value w = affine.scale ? ScaledWeights(r, op, affine.scale, op.w_in) : op.w;
  return {WithOperands(r, op, m["x"], w, bias)};
}

}  // namespace

Pass FoldBnConv() {
  return ToPass({.name = "fold_bn_conv",
                 .doc = "fold a batch normalization at inference into the convolution or matrix "
                        "product after it",
                 .pattern = LinearPattern(BatchNormOf(Any().As("x"))),
                 .conditions = FoldBeforeHolds,
                 .rewrite = FoldBeforeReplace});
}

Pass FoldAffineConv() {
  return ToPass({.name = "fold_affine_conv",
                 .doc = "fold what is added to or multiplied with each channel into the "
                        "convolution or matrix product after it",
                 .pattern = LinearPattern(ArithmeticOf(Any().As("x"), Op(std::string(kConstant)))),
                 .conditions = FoldBeforeHolds,
                 .rewrite = FoldBeforeReplace});
}

}  // namespace weft
