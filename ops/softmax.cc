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

absl::Status EvaluateSoftmax(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const AroundAxis split, SplitAtAxis(c));
  const size_t n = static_cast<size_t>(split.extent);
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    ForEachLine(split, [&](size_t first, size_t step) {
      if (n == 0) return;
      // exp(x - max) never overflows.
      T largest = x[first];
      for (size_t k = 1; k < n; ++k) largest = std::max(largest, x[first + k * step]);
      const auto power = [&](size_t k) {
        return std::exp(static_cast<double>(x[first + k * step]) - static_cast<double>(largest));
      };
      double sum = 0;
      for (size_t k = 0; k < n; ++k) sum += power(k);
      for (size_t k = 0; k < n; ++k) y[first + k * step] = static_cast<T>(power(k) / sum);
    });
  });
  return absl::OkStatus();
}

absl::Status EvaluateSoftmaxGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const AroundAxis split, SplitAtAxis(c));
  const size_t n = static_cast<size_t>(split.extent);
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const auto y = c.in(1).in<T>();
    const auto dx = c.out().out<T>();
    ForEachLine(split, [&](size_t first, size_t step) {
      double dot = 0;
      for (size_t k = 0; k < n; ++k) {
        const size_t at = first + k * step;
        dot += static_cast<double>(dy[at]) * static_cast<double>(y[at]);
      }
      for (size_t k = 0; k < n; ++k) {
        const size_t at = first + k * step;
        dx[at] = static_cast<T>(static_cast<double>(y[at]) * (static_cast<double>(dy[at]) - dot));
      }
    });
  });
  return absl::OkStatus();
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
    const auto dot = [&](Value v) {
      return c.Op("ReduceSum", {c.Op("Mul", {v, y})},
                  {{"axes", std::vector<int64_t>{GetInt(c.attributes(), "axis", -1)}}});
    };
    const Value centered = c.Op("Sub", {d, dot(d)});
    result[1] = c.Op("Sub", {c.Op("Mul", {cotangent, centered}), c.Op("Mul", {d, dot(cotangent)})});
  }
  return result;
}

// Subtract, exponential, sum, divide.
Cost SoftmaxCost(const CostContext& c) {
  return {.flops = 4 * static_cast<double>(c.OutputSize())};
}

}  // namespace

std::vector<OpDef> SoftmaxOps() {
  return {
      {.name = "Softmax",
       .doc = "exp(X) divided by its sum along `axis`.",
       .inputs = {{"input"}},
       .outputs = {{"output"}},
       .attributes = {{.name = "axis", .fallback = -1}},
       .infer = InferSoftmax,
       .gradient = SoftmaxGradient,
       .evaluate = EvaluateSoftmax,
       .cost = SoftmaxCost,
       .aliases = InPlace},
      {.name = "SoftmaxGrad",
       .doc = "Y * (dY - sum(dY * Y)) along `axis`, with Y the result of Softmax.",
       .inputs = {{"dY"}, {"Y"}},
       .outputs = {{"dX"}},
       .attributes = {{.name = "axis", .fallback = -1}},
       .infer = InferSoftmaxGrad,
       .gradient = SoftmaxGradGradient,
       .evaluate = EvaluateSoftmaxGrad,
       .cost = SoftmaxCost,
       .aliases = InPlaceOfEither},
  };
}

}  // namespace weft
