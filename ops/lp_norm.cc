#include <cmath>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferLpNorm(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(
      NormalizeAxis(GetInt(c.attributes(), "axis", -1), c.type(0).rank()).status());
  const int64_t p = GetInt(c.attributes(), "p", 2);
  if (p != 1 && p != 2) {
    return absl::InvalidArgumentError(absl::StrCat("expected p to be 1 or 2, got ", p));
  }
  return InferSameAsFirst(c);
}

absl::Status EvaluateLpNorm(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes, "axis", -1), c.in(0).rank()));
  const bool squared = GetInt(c.attributes, "p", 2) == 2;
  const size_t n = static_cast<size_t>(c.in(0).dim(axis));
  size_t inner = 1;
  for (int i = axis + 1; i < c.in(0).rank(); ++i) inner *= static_cast<size_t>(c.in(0).dim(i));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    const size_t lines = n == 0 ? 0 : x.size() / n;
    for (size_t line = 0; line < lines; ++line) {
      const size_t first = line / inner * n * inner + line % inner;
      double sum = 0;
      for (size_t k = 0; k < n; ++k) {
        const double v = x[first + k * inner];
        sum += squared ? v * v : std::abs(v);
      }
      const double norm = sum == 0 ? 1 : squared ? std::sqrt(sum) : sum;
      for (size_t k = 0; k < n; ++k) {
        y[first + k * inner] = static_cast<T>(x[first + k * inner] / norm);
      }
    }
  });
}

// With the norm r: dX = (dY - s sum(dY Y)) / r, where s = dr/dX is Y for p = 2, sign(X) for p = 1.
InputGradients LpNormGradient(GradientContext& c) {
  const Value x = c.x(), y = c.y(), dy = c.dy();
  const DType dtype = x.type().dtype;
  const AttributeMap axis = {{"axes", std::vector<int64_t>{GetInt(c.attributes(), "axis", -1)}}};
  const bool squared = GetInt(c.attributes(), "p", 2) == 2;
  // As one op, so that squares neither overflow nor vanish.
  Value norm = c.Op(squared ? "ReduceL2" : "ReduceL1", {x}, axis);
  const Value is_zero = c.Op("Cast", {c.Op("Equal", {norm, c.Scalar(0, dtype)})}, {{"to", dtype}});
  norm = c.Op("Add", {norm, is_zero});
  const Value slope = squared ? y : c.Op("Sign", {x});
  const Value along = c.Op("Mul", {slope, c.Op("ReduceSum", {c.Op("Mul", {dy, y})}, axis)});
  return {c.Op("Div", {c.Op("Sub", {dy, along}), norm})};
}

Cost LpNormCost(const CostContext& c) { return {.flops = 3 * static_cast<double>(c.OutputSize())}; }

}  // namespace

std::vector<OpDef> LpNormOps() {
  return {
      {.name = "LpNormalization",
       .doc = "input divided by its p-norm along `axis`, p = 1 or 2, as ONNX's; a line of zeros "
              "stays one.",
       .inputs = {{"input"}},
       .outputs = {{"output"}},
       .attributes = {{.name = "axis", .fallback = -1}, {.name = "p", .fallback = 2}},
       .infer = InferLpNorm,
       .gradient = LpNormGradient,
       .evaluate = EvaluateLpNorm,
       .cost = LpNormCost,
       .aliases = InPlace},
  };
}

}  // namespace weft
