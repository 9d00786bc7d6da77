#include <cmath>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

// f(x) for each element. Computed in double and rounded once for floating-point types.
template <typename F>
absl::Status EvaluateFloat(const EvalContext& c, F f) {
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(f(static_cast<double>(x[i])));
  });
  return absl::OkStatus();
}

// f(dy, y) for each element, likewise.
template <typename F>
absl::Status EvaluateFloatPair(const EvalContext& c, F f) {
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const auto y = c.in(1).in<T>();
    const auto dx = c.out().out<T>();
    for (size_t i = 0; i < dx.size(); ++i) {
      dx[i] = static_cast<T>(f(static_cast<double>(dy[i]), static_cast<double>(y[i])));
    }
  });
  return absl::OkStatus();
}

absl::Status EvaluateSigmoid(const EvalContext& c) {
  return EvaluateFloat(c, [](double x) {
    const double e = std::exp(-std::abs(x));  // at most 1: no overflow on either side
    return (x >= 0 ? 1 : e) / (1 + e);
  });
}

absl::Status EvaluateTanh(const EvalContext& c) {
  return EvaluateFloat(c, [](double x) { return std::tanh(x); });
}

absl::Status EvaluateRelu(const EvalContext& c) {
  VisitNumeric(c.out().dtype, [&c](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = x[i] < T{0} ? T{0} : x[i];  // NaN stays NaN
  });
  return absl::OkStatus();
}

absl::Status EvaluateSigmoidGrad(const EvalContext& c) {
  return EvaluateFloatPair(c, [](double dy, double y) { return dy * y * (1 - y); });
}

absl::Status EvaluateTanhGrad(const EvalContext& c) {
  return EvaluateFloatPair(c, [](double dy, double y) { return dy * (1 - y * y); });
}

absl::Status EvaluateReluGrad(const EvalContext& c) {
  return EvaluateFloatPair(c, [](double dy, double y) { return y > 0 ? dy : 0; });
}

InputGradients SigmoidGradient(GradientContext& c) {
  return {c.Op("SigmoidGrad", {c.dy(), c.y()})};
}
InputGradients TanhGradient(GradientContext& c) { return {c.Op("TanhGrad", {c.dy(), c.y()})}; }
InputGradients ReluGradient(GradientContext& c) { return {c.Op("ReluGrad", {c.dy(), c.y()})}; }

// G = dY * Y * (1 - Y): dG/d(dY) = Y (1 - Y), dG/dY = dY (1 - 2 Y).
InputGradients SigmoidGradGradient(GradientContext& c) {
  const Value cotangent = c.dy(), dy = c.x(0), y = c.x(1);
  InputGradients result(2);
  if (c.needs(0)) result[0] = c.Op("SigmoidGrad", {cotangent, y});
  if (c.needs(1)) {
    const DType dtype = y.type().dtype;
    const Value slope = c.Op("Sub", {c.Scalar(1, dtype), c.Op("Mul", {y, c.Scalar(2, dtype)})});
    result[1] = c.Op("Mul", {c.Op("Mul", {cotangent, dy}), slope});
  }
  return result;
}

// G = dY * (1 - Y^2): dG/d(dY) = 1 - Y^2, dG/dY = -2 dY Y.
InputGradients TanhGradGradient(GradientContext& c) {
  const Value cotangent = c.dy(), dy = c.x(0), y = c.x(1);
  InputGradients result(2);
  if (c.needs(0)) result[0] = c.Op("TanhGrad", {cotangent, y});
  if (c.needs(1)) {
    const Value slope = c.Op("Mul", {y, c.Scalar(-2, y.type().dtype)});
    result[1] = c.Op("Mul", {c.Op("Mul", {cotangent, dy}), slope});
  }
  return result;
}

// G = dY where Y > 0: linear in dY, and flat in Y away from the kink.
InputGradients ReluGradGradient(GradientContext& c) {
  InputGradients result(2);
  if (c.needs(0)) result[0] = c.Op("ReluGrad", {c.dy(), c.x(1)});
  return result;
}

Cost ExponentialCost(const CostContext& c) {
  return {.flops = 4 * static_cast<double>(c.OutputSize())};
}

Cost ThreeFlops(const CostContext& c) { return {.flops = 3 * static_cast<double>(c.OutputSize())}; }

OpDef Activation(std::string_view name, std::string_view doc, DTypeSet dtypes, GradientFn gradient,
                 EvaluateFn evaluate, CostFn cost) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"X", dtypes}},
          .infer = InferSameAsFirst,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = cost,
          .aliases = InPlace};
}

OpDef ActivationGrad(std::string_view name, std::string_view doc, GradientFn gradient,
                     EvaluateFn evaluate, CostFn cost) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"dY"}, {"Y"}},
          .outputs = {{"dX"}},
          .infer = InferPairOfOneType,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = cost,
          .aliases = InPlaceOfEither};
}

}  // namespace

std::vector<OpDef> ActivationOps() {
  return {
      Activation("Sigmoid", "1 / (1 + exp(-X)), element-wise.", kFloatTypes, SigmoidGradient,
                 EvaluateSigmoid, ExponentialCost),
      Activation("Tanh", "The hyperbolic tangent of X, element-wise.", kFloatTypes, TanhGradient,
                 EvaluateTanh, ExponentialCost),
      Activation("Relu", "max(X, 0), element-wise; NaN stays NaN.", kSignedTypes, ReluGradient,
                 EvaluateRelu, nullptr),
      ActivationGrad("SigmoidGrad", "dY * Y * (1 - Y), with Y the result of Sigmoid.",
                     SigmoidGradGradient, EvaluateSigmoidGrad, ThreeFlops),
      ActivationGrad("TanhGrad", "dY * (1 - Y * Y), with Y the result of Tanh.", TanhGradGradient,
                     EvaluateTanhGrad, ThreeFlops),
      ActivationGrad("ReluGrad", "dY where Y > 0 and 0 elsewhere, with Y the result of Relu.",
                     ReluGradGradient, EvaluateReluGrad, nullptr),
  };
}

}  // namespace weft
