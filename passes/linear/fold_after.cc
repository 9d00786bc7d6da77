// What scales and shifts the channels that a linear op makes becomes part of its weights and bias:
//
//   linear(x, w, b) * s + t  =>  linear(x, w*s, b*s + t)
//
// fold_conv_bn does it for a batch normalization at inference, fold_conv_affine for Add, Sub, Mul
// and Div with one constant a channel or one for all. The right side is written as graph arithmetic
// on constants; fold_constants computes it. A sum that was infinite before it was scaled down may
// be finite.
//
// A MatMul of more than two axes has its bias in an Add, which fold_matmul_scale looks behind:
//
//   (matmul(x, w) + b) * s  =>  matmul(x, w*s) + b*s

#include "passes/linear/affine.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

Condition FoldAfterHolds(const Match& m) {
  const Condition none;
  return All({IsAtInference(m), HasSingleReader(m, "linear"), HasChannels(m),
              Scales(m) ? IsConstant(m, "w") : none, IsConstant(m, "b"),
              IsAffine(m, "linear", ReadLinearOp(m).y_axis), Shifts(m) ? MayHaveBias(m) : none});
}

std::vector<Value> FoldAfterReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Affine affine = ReadAffine(m, r);
  const Value w = affine.scale ? ScaledWeights(r, op, affine.scale, op.w_out) : op.w;
  return {WithOperands(r, op, m["x"], w, NewBias(r, op, affine.scale, affine.shift))};
}

Condition HoldsBehindBias(const Match& m) {
  return All({HasSingleReader(m, "linear"), HasSingleReader(m, "sum"), HasChannels(m),
              IsConstant(m, "w"), IsConstant(m, "addend"), HaveSameType(m, "linear", "sum"),
              IsAffine(m, "linear", ReadLinearOp(m).y_axis)});
}

std::vector<Value> ReplaceBehindBias(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Value scale = ReadAffine(m, r).scale;
  const Value product = WithOperands(r, op, m["x"], ScaledWeights(r, op, scale, op.w_out), Value());
  const Value addend = r.OpAs(m.node("addend")->name(), "Mul", {m["addend"], scale});
  return {r.OpAs(m.node("sum")->name(), "Add", {product, addend})};
}

bool IsMatMul(const Node& node) { return node.op_name() == "MatMul"; }

}  // namespace

Pass FoldConvBn() {
  return ToPass({.name = "fold_conv_bn",
                 .doc = "fold a batch normalization at inference into the convolution or matrix "
                        "product before it",
                 .pattern = BatchNormOf(LinearPattern(Any().As("x"))),
                 .conditions = FoldAfterHolds,
                 .rewrite = FoldAfterReplace});
}

Pass FoldConvAffine() {
  return ToPass({.name = "fold_conv_affine",
                 .doc = "fold what is added to or multiplied with each channel into the "
                        "convolution or matrix product before it",
                 .pattern = ArithmeticOf(LinearPattern(Any().As("x")), Any()),
                 .conditions = FoldAfterHolds,
                 .rewrite = FoldAfterReplace});
}

Pass FoldMatMulScale() {
  const Pattern sum =
      Op("Add", {LinearPattern(Any().As("x")).Where(IsMatMul), Any().As("addend")}).As("sum");
  return ToPass(
      {.name = "fold_matmul_scale",
       .doc = "fold what is multiplied with a matrix product and its added bias into both",
       .pattern = OneOf({"Mul", "Div"}, {sum, Any().As("c")}).As("affine"),
       .conditions = HoldsBehindBias,
       .rewrite = ReplaceBehindBias});
}

}  // namespace weft
