// Element-wise ops, activations and casts.

#include <cmath>
#include <limits>
#include <numeric>

#include "frontend/onnx/import/ops.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

// Before opset 7 the second operand's axes stood for those of the first from `axis` on, if
// `broadcast` allowed it.
Value LegacyOperand(ImportContext& c) {
  const Value a = c.in(0), b = c.in(1);
  if (!c.ok()) return b;
  if (c.Int("broadcast") == 0) {
    if (c.TypeOf(a).shape != c.TypeOf(b).shape) {
      c.Fail(absl::InvalidArgumentError(
          absl::StrCat("expected operands of one shape, as broadcast is 0, got ",
                       ToString(c.TypeOf(a)), " and ", ToString(c.TypeOf(b)))));
    }
    return b;
  }
  const int rank = c.TypeOf(a).rank(), own = c.TypeOf(b).rank();
  const absl::StatusOr<int> axis = NormalizeAxis(c.Int("axis", std::max(0, rank - own)), rank + 1);
  if (!axis.ok()) return c.Fail(axis.status());
  std::vector<int64_t> trailing(static_cast<size_t>(std::max(0, rank - *axis - own)));
  if (trailing.empty()) return b;
  std::iota(trailing.begin(), trailing.end(), own);
  return c.Op("Unsqueeze", {b, c.Ints(trailing)});
}

std::vector<Value> Binary(ImportContext& c) {
  if (c.opset() >= 7) return ImportSame(c);
  return ImportOp(
      c,
      {.op = c.op_type(), .inputs = {c.in(0), LegacyOperand(c)}, .ignored = {"axis", "broadcast"}});
}

// Before opset 7 a slope of one axis was one a channel.
std::vector<Value> PRelu(ImportContext& c) {
  if (c.opset() >= 7 || !c.ok() || c.type(1).rank() != 1) return ImportSame(c);
  std::vector<int64_t> trailing(static_cast<size_t>(std::max(0, c.type(0).rank() - 2)));
  std::iota(trailing.begin(), trailing.end(), 1);
  const Value slope = trailing.empty() ? c.in(1) : c.Op("Unsqueeze", {c.in(1), c.Ints(trailing)});
  return ImportOp(c, {.op = "PRelu", .inputs = {c.in(0), slope}});
}

std::vector<Value> Clip(ImportContext& c) {
  if (c.opset() >= 11) {
    return ImportOp(c, {.op = "Clip", .inputs = {c.in(0), c.ScalarIn(1), c.ScalarIn(2)}});
  }
  // The default limits are the largest finite numbers: none.
  const auto limit = [&c](std::string_view name) {
    const double value = c.Float(name);
    if (!c.ok() || std::abs(value) >= std::numeric_limits<float>::max()) return Value();
    return c.Scalar(value, c.type(0).dtype);
  };
  return ImportOp(
      c,
      {.op = "Clip", .inputs = {c.in(0), limit("min"), limit("max")}, .ignored = {"min", "max"}});
}

std::vector<Value> CastLike(ImportContext& c) {
  const Value x = c.in(0), like = c.in(1);
  if (!c.ok()) return {};
  return ImportOp(c, {.op = "Cast",
                      .inputs = {x},
                      .attributes = {{"to", c.TypeOf(like).dtype}},
                      .ignored = {"saturate", "round_mode"}});
}

// Saturation and rounding are about 8-bit floats, which we lack.
std::vector<Value> Cast(ImportContext& c) {
  return ImportOp(c, {.op = "Cast", .inputs = c.ins(), .ignored = {"saturate", "round_mode"}});
}

// x * sigmoid(alpha * x); alpha of 1 is Silu.
std::vector<Value> Swish(ImportContext& c) {
  const Value x = c.in(0);
  const double alpha = c.Float("alpha", 1);
  if (!c.ok()) return {};
  if (alpha == 1) return {c.Result("Silu", {x})};
  const Value scaled = c.Op("Mul", {x, c.Scalar(alpha, c.TypeOf(x).dtype)});
  return {c.Result("Mul", {x, c.Op("Sigmoid", {scaled})})};
}

// (X - mean) / (standard deviation + 1e-9). ONNX's function body has E[X^2] - E[X]^2 as the
// variance, of which a large mean leaves nothing. Centered twice, since the mean is rounded as X
// is.
std::vector<Value> MeanVarianceNormalization(ImportContext& c) {
  const AttributeMap axes = {{"axes", c.Ints("axes")}};
  const auto centered = [&](Value v) { return c.Op("Sub", {v, c.Op("ReduceMean", {v}, axes)}); };
  const Value x = c.in(0);
  if (!c.ok()) return {};
  const Value rest = centered(centered(x));
  const Value variance = c.Op("ReduceMean", {c.Op("Mul", {rest, rest})}, axes);
  const Value deviation =
      c.Op("Add", {c.Op("Sqrt", {variance}), c.Scalar(1e-9, c.TypeOf(x).dtype)});
  return {c.Result("Div", {rest, deviation})};
}

}  // namespace

std::vector<OnnxOp> ElementwiseImports() {
  std::vector<OnnxOp> ops = {{"Cast", Cast},
                             {"CastLike", CastLike},
                             {"Clip", Clip},
                             {"MeanVarianceNormalization", MeanVarianceNormalization},
                             {"PRelu", PRelu},
                             {"Swish", Swish},
                             {"QuickGelu", Swish, {}, kMicrosoftDomain}};
  for (std::string_view name : {"Abs",
                                "Acos",
                                "Acosh",
                                "Asin",
                                "Asinh",
                                "Atan",
                                "Atanh",
                                "BitShift",
                                "BitwiseAnd",
                                "BitwiseNot",
                                "BitwiseOr",
                                "BitwiseXor",
                                "Gelu",
                                "Ceil",
                                "Celu",
                                "Cos",
                                "Cosh",
                                "Elu",
                                "Erf",
                                "Exp",
                                "Floor",
                                "GreaterOrEqual",
                                "HardSigmoid",
                                "HardSwish",
                                "Identity",
                                "IsInf",
                                "IsNaN",
                                "LeakyRelu",
                                "LessOrEqual",
                                "Log",
                                "Max",
                                "Mean",
                                "Min",
                                "Mish",
                                "Mod",
                                "Neg",
                                "Not",
                                "Reciprocal",
                                "Relu",
                                "Round",
                                "Selu",
                                "Shrink",
                                "Sigmoid",
                                "Sign",
                                "Sin",
                                "Sinh",
                                "Softplus",
                                "Softsign",
                                "Sqrt",
                                "Sum",
                                "Tan",
                                "Tanh",
                                "ThresholdedRelu",
                                "Where"}) {
    ops.push_back({name, ImportSame});
  }
  for (std::string_view name :
       {"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"}) {
    ops.push_back({name, Binary});
  }
  return ops;
}

}  // namespace weft
