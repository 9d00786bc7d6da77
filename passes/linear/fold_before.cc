// What scales and shifts the channels that a linear op reads becomes part of its weights and bias:
//
//   linear(x*s + t, w, b)  =>  linear(x, w*s, b + linear(t, w))
//
// fold_bn_conv does it for a batch normalization at inference, fold_affine_conv for Add, Sub, Mul
// and Div with one constant a channel or one for all, as images are normalized. Padding is zero
// before and after, so the border has less of the shift than the inside: there its effect is a map
// of all places, which is added where that moves fewer bytes than what it replaces:
//
//   conv(x*s + t, w, b)  =>  conv(x, w*s, b) + conv(t everywhere, w)
//
// Where x varies far less than its mean is large, the sums that centring kept small are large
// again, and lose as many digits.

#include "passes/linear/affine.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"
#include "passes/linear/shift_map.h"

namespace weft {
namespace {

Condition FoldBeforeHolds(const Match& m) {
  const Condition none;
  return All({IsAtInference(m), HasSingleReader(m, "affine"), HasChannels(m), IsConstant(m, "w"),
              IsConstant(m, "b"), IsAffine(m, "x", ReadLinearOp(m).x_axis),
              Shifts(m) ? MayHaveBias(m) : none});
}

std::vector<Value> FoldBeforeReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const bool as_map = Shifts(m) && !SeesWholeShift(m).holds;
  if (as_map) {
    const Condition pays = PaysAsMap(m, *r.options().costs);
    if (!pays.holds) return r.Decline(pays.failure);
  }
  const Affine affine = ReadAffine(m, r);
  const Value map = as_map ? MapOfShift(r, op, affine.shift) : Value();
  const Value effect = affine.shift && !as_map ? EffectOfShift(r, op, affine.shift) : Value();
  const Value bias = NewBias(r, op, {}, effect);
  const Value w = affine.scale ? ScaledWeights(r, op, affine.scale, op.w_in) : op.w;
  const Value y = WithOperands(r, op, m["x"], w, bias);
  return {as_map ? r.Op("Add", {y, map}) : y};
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
