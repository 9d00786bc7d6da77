#include <cmath>
#include <limits>
#include <type_traits>

#include "ops/common.h"
#include "ops/families.h"

// Clip, whose bounds are inputs.

namespace weft {
namespace {

absl::Status CheckBound(const InferContext& c, int i, std::string_view name) {
  if (!c.has(i) || c.type(i).rank() == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", Absl(name), " to be a scalar, got ", ToString(c.type(i))));
}

// The bounds are the inputs from `first` on.
template <int first>
absl::StatusOr<std::vector<TensorType>> InferClip(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckBound(c, first, "min"));
  WEFT_RETURN_IF_ERROR(CheckBound(c, first + 1, "max"));
  return first == 1 ? InferSameAsFirst(c) : InferPairOfOneType(c);
}

template <typename T>
struct Bounds {
  Bounds(const EvalContext& c, int first) {
    if (c.has(first)) min = c.in(first).in<T>()[0];
    if (c.has(first + 1)) max = c.in(first + 1).in<T>()[0];
  }
  static constexpr bool kFloat = std::is_floating_point_v<T>;
  using Limits = std::numeric_limits<T>;
  T min = kFloat ? -Limits::infinity() : Limits::lowest();
  T max = kFloat ? Limits::infinity() : Limits::max();
};

// min(max(x, lower), upper): the upper bound wins where they cross, NaN stays NaN.
absl::Status EvaluateClip(const EvalContext& c) {
  return VisitNumeric(c.out().dtype, [&c](auto zero) {
    using T = decltype(zero);
    const Bounds<T> bounds(c, 1);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) {
      const T above = x[i] < bounds.min ? bounds.min : x[i];
      y[i] = above > bounds.max ? bounds.max : above;
    }
  });
}

absl::Status EvaluateClipGrad(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&c](auto zero) {
    using T = decltype(zero);
    const Bounds<T> bounds(c, 2);
    const auto dy = c.in(0).in<T>();
    const auto x = c.in(1).in<T>();
    const auto dx = c.out().out<T>();
    for (size_t i = 0; i < dx.size(); ++i) {
      dx[i] = x[i] < bounds.min || x[i] > bounds.max ? T{0} : dy[i];
    }
  });
}

std::vector<Value> WithBounds(const GradientContext& c, std::vector<Value> inputs, int first) {
  for (int i = first; i < c.node()->num_inputs(); ++i) inputs.push_back(c.x(i));
  return inputs;
}

InputGradients ClipGradient(GradientContext& c) {
  InputGradients result(static_cast<size_t>(c.node()->num_inputs()));
  result[0] = c.Op("ClipGrad", WithBounds(c, {c.dy(), c.x()}, 1));
  return result;
}

// Linear in dY, and flat in X away from the bounds.
InputGradients ClipGradGradient(GradientContext& c) {
  InputGradients result(static_cast<size_t>(c.node()->num_inputs()));
  if (c.needs(0)) result[0] = c.Op("ClipGrad", WithBounds(c, {c.dy(), c.x(1)}, 2));
  return result;
}

}  // namespace

std::vector<OpDef> ClipOps() {
  const InputSpec min{.name = "min", .dtypes = kNumericTypes, .arity = Arity::kOptional};
  const InputSpec max{.name = "max", .dtypes = kNumericTypes, .arity = Arity::kOptional};
  const InputSpec grad_min{.name = "min", .arity = Arity::kOptional};
  const InputSpec grad_max{.name = "max", .arity = Arity::kOptional};
  return {
      {.name = "Clip",
       .doc = "min(max(X, min), max), element-wise, with scalar bounds; an absent one does not "
              "bind. NaN stays NaN. The bounds take no gradient.",
       .inputs = {{"X", kNumericTypes}, min, max},
       .infer = InferClip<1>,
       .gradient = ClipGradient,
       .non_differentiable_inputs = {1, 2},
       .evaluate = EvaluateClip,
       .aliases = InPlace,
       .traits = {.elementwise = true}},
      {.name = "ClipGrad",
       .doc = "dY where min <= X <= max and 0 elsewhere, element-wise.",
       .inputs = {{"dY"}, {"X"}, grad_min, grad_max},
       .outputs = {{"dX"}},
       .infer = InferClip<2>,
       .gradient = ClipGradGradient,
       .non_differentiable_inputs = {2, 3},
       .evaluate = EvaluateClipGrad,
       .aliases = InPlaceOfEither},
  };
}

}  // namespace weft
