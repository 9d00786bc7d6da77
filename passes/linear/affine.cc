#include "passes/linear/affine.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

bool IsBatchNorm(const Node& node) { return node.op_name() == "BatchNormalization"; }

// c - x
bool IsTakenFromConstant(const Match& match) {
  return match.node("affine")->input(0) == match["c"] && match.node("affine")->op_name() == "Sub";
}

// Neither a factor nor 1 / a divisor is infinite or NaN: a sum of infinite terms is another value
// than an infinite multiple of the sum.
Condition ScalesFinitely(const Match& match) {
  const Tensor* c = ConstantValue(match["c"]);
  const bool divides = match.node("affine")->op_name() == "Div";
  bool finite = true;
  for (int64_t i = 0; c != nullptr && i < c->size(); ++i) {
    const double factor = divides ? 1 / c->At(i) : c->At(i);
    const bool fits = c->dtype() != DType::kF32 || std::isfinite(static_cast<float>(factor));
    finite = finite && fits && std::isfinite(factor);
  }
  return Unless(!finite,
                absl::StrCat(match["c"].ToString(), " has elements that are infinite or NaN",
                             divides ? ", or zero" : ""));
}

}  // namespace

Affine ScaleAndShiftOf(const Node& batch_norm, Emitter& e) {
  const Value scale = batch_norm.input(1), bias = batch_norm.input(2), mean = batch_norm.input(3),
              var = batch_norm.input(4);
  const double epsilon = GetFloat(batch_norm.attributes(), "epsilon");
  const Value deviation = e.Op("Sqrt", {e.Op("Add", {var, e.Scalar(epsilon, var.type().dtype)})});
  const Value s = e.Op("Div", {scale, deviation});
  return {s, e.Op("Sub", {bias, e.Op("Mul", {mean, s})})};
}

Condition HasFiniteScale(const Match& match, std::string_view batch_norm) {
  const Node& node = *match.node(batch_norm);
  for (int i = 1; i < 5; ++i) {
    const Value operand = node.input(i);
    if (ConstantValue(operand) != nullptr) continue;
    return Unless(
        true, absl::StrCat(operand.ToString(),
                           operand.node->op_name() == kVariable ? " is a variable, not" : " is not",
                           " a constant"));
  }
  const Tensor &scale = *ConstantValue(node.input(1)), &var = *ConstantValue(node.input(4));
  const double epsilon = GetFloat(node.attributes(), "epsilon");
  bool finite = true;
  for (int64_t i = 0; i < scale.size(); ++i) {
    finite = finite && std::isfinite(scale.At(i) / std::sqrt(var.At(i) + epsilon));
  }
  return Unless(!finite, absl::StrCat(node.name(), " scales by what is infinite or NaN"));
}

Pattern BatchNormOf(Pattern x) {
  return Op("BatchNormalization",
            {std::move(x), Any().As("scale"), Any().As("bias"), Any().As("mean"), Any().As("var")})
      .As("affine");
}

Pattern ArithmeticOf(Pattern x, Pattern constant) {
  const Pattern c = std::move(constant).As("c");
  return Either({OneOf({"Add", "Sub", "Mul", "Div"}, {x, c}), Op("Sub", {c, std::move(x)})})
      .As("affine");
}

bool Scales(const Match& match) {
  const Node& node = *match.node("affine");
  return node.op_name() != "Add" && (node.op_name() != "Sub" || IsTakenFromConstant(match));
}

bool Shifts(const Match& match) {
  const std::string_view op = match.node("affine")->op_name();
  return op != "Mul" && op != "Div";
}

Condition IsAtInference(const Match& match) {
  return IsBatchNorm(*match.node("affine")) ? IsInMode(match, "affine", "inference") : Condition{};
}

Condition IsAffine(const Match& match, std::string_view x, int axis) {
  const Node& node = *match.node("affine");
  if (!IsBatchNorm(node)) {
    return All({IsConstant(match, "c"), HaveSameType(match, x, "affine"),
                IsPerChannel(match, "c", x, axis), ScalesFinitely(match)});
  }
  return All({HasFiniteScale(match, "affine"),
              Unless(axis != 1, absl::StrCat(node.name(), " has its channels on axis 1 of ",
                                             match[x].ToString(), ", not on axis ", axis))});
}

Affine ReadAffine(const Match& match, Rewriter& r) {
  const Node& node = *match.node("affine");
  if (IsBatchNorm(node)) return ScaleAndShiftOf(node, r);
  const Value c = r.Op("Reshape", {match["c"], r.Ints({-1})});
  if (node.op_name() == "Mul") return {c, {}};
  if (node.op_name() == "Div") return {r.Op("Reciprocal", {c}), {}};
  if (IsTakenFromConstant(match)) {
    return {r.Op("Reshape", {r.Scalar(-1, node.type().dtype), r.Ints({1})}), c};
  }
  return {{}, node.op_name() == "Add" ? c : r.Op("Neg", {c})};
}

}  // namespace weft
