// What scales and shifts the channels that a linear op makes becomes part of its weights and bias:
//
//   linear(x, w, b) * s + t  =>  linear(x, w*s, b*s + t)
//
// fold_conv_bn does it for a batch normalization at inference, fold_conv_affine for Add, Sub, Mul
// and Div with one constant a channel or one for all. The right side is written as graph arithmetic
// on constants; fold_constants computes it. A sum that was infinite before it was scaled down may
// be finite.

#include "passes/linear/affine.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

Condition Holds(const Match& m) {
  const Condition none;
  return All({IsAtInference(m), HasSingleReader(m, "linear"), HasChannels(m),
              Scales(m) ? IsConstant(m, "w") : none, IsConstant(m, "b"),
              IsAffine(m, "linear", ReadLinearOp(m).y_axis), Shifts(m) ? MayHaveBias(m) : none});
}

std::vector<Value> Replace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Affine affine = ReadAffine(m, r);
  const Value w = affine.scale ? ScaledWeights(r, op, affine.scale, op.w_out) : op.w();
  return {WithOperands(r, op, m["x"], w, NewBias(r, op, affine.scale, affine.shift))};
}

}  // namespace

Pass FoldConvBn() {
  return ToPass({.name = "fold_conv_bn",
                 .doc = "fold a batch normalization at inference into the convolution or matrix "
                        "product before it",
                 .pattern = BatchNormOf(LinearPattern(Any().As("x"))),
                 .conditions = Holds,
                 .rewrite = Replace});
}

Pass FoldConvAffine() {
  return ToPass({.name = "fold_conv_affine",
                 .doc = "fold what is added to or multiplied with each channel into the "
                        "convolution or matrix product before it",
                 .pattern = ArithmeticOf(LinearPattern(Any().As("x")), Any()),
                 .conditions = Holds,
                 .rewrite = Replace});
}

}  // namespace weft
