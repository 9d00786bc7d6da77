#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

// A tensor as [outer, extent, inner] around one axis.
struct AroundAxis {
  int64_t outer = 1, extent = 1, inner = 1;
};

absl::StatusOr<AroundAxis> SplitAtAxis(const EvalContext& c) {
  const std::span<const int64_t> dims = c.out().dims;
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes, "axis", -1), c.out().rank()));
  AroundAxis split;
  for (int i = 0; i < c.out().rank(); ++i) {
    (i < axis    ? split.outer
     : i == axis ? split.extent
                 : split.inner) *= dims[static_cast<size_t>(i)];
  }
  return split;
}

// Calls f(first, step) for every line of elements along the axis: element k of a line is at
// first + k * step.
template <typename F>
void ForEachLine(const AroundAxis& split, F f) {
  for (int64_t o = 0; o < split.outer; ++o) {
    for (int64_t i = 0; i < split.inner; ++i) {
      f(static_cast<size_t>(o * split.extent * split.inner + i), static_cast<size_t>(split.inner));
    }
  }
}

absl::StatusOr<std::vector<TensorType>> InferSoftmax(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(
      NormalizeAxis(GetInt(c.attributes(), "axis", -1), c.type(0).rank()).status());
  return InferSameAsFirst(c);
}

absl::StatusOr<std::vector<TensorType>> InferSoftmaxGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(
      NormalizeAxis(GetInt(c.attributes(), "axis", -1), c.type(0).rank()).status());
  return InferPairOfOneType(c);
}

// y = f(x - m, s) with m the largest x along the axis and s the sum of exp(x - m), which never
// overflows.
template <typename F>
absl::Status EvaluateLines(const EvalContext& c, F f) {
  WEFT_ASSIGN_OR_RETURN(const AroundAxis split, SplitAtAxis(c));
  const size_t n = static_cast<size_t>(split.extent);
  if (n == 0) return absl::OkStatus();
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    ForEachLine(split, [&](size_t first, size_t step) {
      double largest = x[first], sum = 0;
      for (size_t k = 1; k < n; ++k) largest = std::max<double>(largest, x[first + k * step]);
      for (size_t k = 0; k < n; ++k) sum += std::exp(x[first + k * step] - largest);
      for (size_t k = 0; k < n; ++k) {
        const size_t at = first + k * step;
        c.out().out<T>()[at] = static_cast<T>(f(x[at] - largest, sum));
      }
    });
  });
}

absl::Status EvaluateSoftmax(const EvalContext& c) {
  return EvaluateLines(c, [](double x, double sum) { return std::exp(x) / sum; });
}

absl::Status EvaluateLogSoftmax(const EvalContext& c) {
  return EvaluateLines(c, [](double x, double sum) { return x - std::log(sum); });
}

// dX = f(dY, Y, s) with s the sum of g(dY, Y) along the axis.
template <typename G, typename F>
absl::Status EvaluateGrad(const EvalContext& c, G g, F f) {
  WEFT_ASSIGN_OR_RETURN(const AroundAxis split, SplitAtAxis(c));
  const size_t n = static_cast<size_t>(split.extent);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const auto y = c.in(1).in<T>();
    const auto dx = c.out().out<T>();
    ForEachLine(split, [&](size_t first, size_t step) {
      double sum = 0;
      for (size_t k = 0; k < n; ++k) sum += g(dy[first + k * step], y[first + k * step]);
      for (size_t k = 0; k < n; ++k) {
        const size_t at = first + k * step;
        dx[at] = static_cast<T>(f(dy[at], y[at], sum));
      }
    });
  });
}

absl::Status EvaluateSoftmaxGrad(const EvalContext& c) {
  return EvaluateGrad(
      c, [](double dy, double y) { return dy * y; },
      [](double dy, double y, double dot) { return y * (dy - dot); });
}

absl::Status EvaluateLogSoftmaxGrad(const EvalContext& c) {
  return EvaluateGrad(
      c, [](double dy, double) { return dy; },
      [](double dy, double y, double sum) { return dy - std::exp(y) * sum; });
}

Value SumAlongAxis(GradientContext& c, Value v) {
  return c.Op("ReduceSum", {v},
              {{"axes", std::vector<int64_t>{GetInt(c.attributes(), "axis", -1)}}});
}

InputGradients SoftmaxGradient(GradientContext& c) {
  return {c.Op("SoftmaxGrad", {c.dy(), c.y()}, c.attributes())};
}

// G = Y (D - sum(D Y)) with D = dY. For a cotangent C:
//   in D: Y (C - sum(C Y))
//   in Y: C (D - sum(D Y)) - D sum(C Y)
InputGradients SoftmaxGradGradient(GradientContext& c) {
  const Value cotangent = c.dy(), d = c.x(0), y = c.x(1);
  InputGradients result(2);
  if (c.needs(0)) result[0] = c.Op("SoftmaxGrad", {cotangent, y}, c.attributes());
  if (c.needs(1)) {
    const auto dot = [&](Value v) { return SumAlongAxis(c, c.Op("Mul", {v, y})); };
    const Value centered = c.Op("Sub", {d, dot(d)});
    result[1] = c.Op("Sub", {c.Op("Mul", {cotangent, centered}), c.Op("Mul", {d, dot(cotangent)})});
  }
  return result;
}

InputGradients LogSoftmaxGradient(GradientContext& c) {
  return {c.Op("LogSoftmaxGrad", {c.dy(), c.y()}, c.attributes())};
}

// G = D - exp(Y) sum(D) with D = dY. For a cotangent C:
//   in D: C - sum(C exp(Y))
//   in Y: -C exp(Y) sum(D)
InputGradients LogSoftmaxGradGradient(GradientContext& c) {
  const Value cotangent = c.dy(), d = c.x(0), y = c.x(1);
  InputGradients result(2);
  const Value scaled = c.Op("Mul", {cotangent, c.Op("Exp", {y})});
  if (c.needs(0)) result[0] = c.Op("Sub", {cotangent, SumAlongAxis(c, scaled)});
  if (c.needs(1)) result[1] = c.Op("Neg", {c.Op("Mul", {scaled, SumAlongAxis(c, d)})});
  return result;
}

// Subtract, exponential, sum, divide.
Cost SoftmaxCost(const CostContext& c) {
  return {.flops = 4 * static_cast<double>(c.OutputSize())};
}

std::vector<AttributeSpec> SoftmaxAttributes() { return {{.name = "axis", .fallback = -1}}; }

OpDef Forward(std::string_view name, std::string_view doc, GradientFn gradient,
              EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"input"}},
          .outputs = {{"output"}},
          .attributes = SoftmaxAttributes(),
          .infer = InferSoftmax,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = SoftmaxCost,
          .aliases = InPlace};
}

OpDef Backward(std::string_view name, std::string_view doc, GradientFn gradient,
               EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"dY"}, {"Y"}},
          .outputs = {{"dX"}},
          .attributes = SoftmaxAttributes(),
          .infer = InferSoftmaxGrad,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = SoftmaxCost,
          .aliases = InPlaceOfEither};
}

}  // namespace

std::vector<OpDef> SoftmaxOps() {
  return {
      Forward("Softmax", "exp(X) divided by its sum along `axis`.", SoftmaxGradient,
              EvaluateSoftmax),
      Backward("SoftmaxGrad", "Y * (dY - sum(dY * Y)) along `axis`, with Y the result of Softmax.",
               SoftmaxGradGradient, EvaluateSoftmaxGrad),
      Forward("LogSoftmax", "X minus the logarithm of the sum of exp(X) along `axis`.",
              LogSoftmaxGradient, EvaluateLogSoftmax),
      Backward("LogSoftmaxGrad",
               "dY - exp(Y) * sum(dY) along `axis`, with Y the result of LogSoftmax.",
               LogSoftmaxGradGradient, EvaluateLogSoftmaxGrad),
  };
}

}  // namespace weft
