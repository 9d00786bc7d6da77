#include <cmath>
#include <limits>
#include <numbers>

#include "ops/families.h"
#include "ops/map.h"
#include "ops/term.h"

// Functions of one element: arithmetic, rounding, exponentials, trigonometry, predicates, not.

namespace weft {
namespace {

// The evaluation of f(double).
template <auto f>
absl::Status Math(const EvalContext& c) {
  return MapFloat(c, f);
}

struct Terms {
  Term dy, x, y;
};

// The gradient f({dy, x, y}).
template <auto f>
InputGradients Formula(GradientContext& c) {
  return {f(Terms{{c, c.dy()}, {c, c.x()}, {c, c.y()}})};
}

// An element-wise function from floating-point numbers to floating-point numbers.
OpDef Function(std::string_view name, std::string_view doc, EvaluateFn evaluate,
               GradientFn gradient) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"X"}},
          .infer = InferSameAsFirst,
          .gradient = gradient,
          .evaluate = evaluate,
          .aliases = InPlace,
          .traits = {.elementwise = true}};
}

OpDef Exponential(std::string_view name, std::string_view doc, EvaluateFn evaluate,
                  GradientFn gradient) {
  OpDef def = Function(name, doc, evaluate, gradient);
  def.cost = [](const CostContext& c) {
    return Cost{.flops = 4 * static_cast<double>(c.OutputSize())};
  };
  return def;
}

// A function that integers have too.
OpDef Arithmetic(std::string_view name, std::string_view doc, DTypeSet dtypes, EvaluateFn evaluate,
                 GradientFn gradient) {
  OpDef def = Function(name, doc, evaluate, gradient);
  def.inputs[0].dtypes = dtypes;
  return def;
}

OpDef Rounding(std::string_view name, std::string_view doc, EvaluateFn evaluate) {
  OpDef def = Function(name, doc, evaluate, nullptr);
  def.no_gradient = "rounding has steps and is flat between them";
  return def;
}

absl::StatusOr<std::vector<TensorType>> InferPredicate(const InferContext& c) {
  return std::vector<TensorType>{{DType::kBool, c.type(0).shape}};
}

OpDef Predicate(std::string_view name, std::string_view doc, EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"X"}},
          .infer = InferPredicate,
          .no_gradient = "boolean output",
          .evaluate = evaluate,
          .traits = {.elementwise = true}};
}

// The smallest integer has no negative: it wraps around to itself.
template <typename T>
T Negated(T x) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(U{0} - static_cast<U>(x));
  } else {
    return -x;  // not 0 - x, which would make 0 of 0 and not -0
  }
}

absl::Status EvaluateNeg(const EvalContext& c) {
  return MapNumeric(c, [](auto x) { return Negated(x); });
}

absl::Status EvaluateAbs(const EvalContext& c) {
  return MapNumeric(c, [](auto x) {
    if constexpr (std::is_integral_v<decltype(x)>) {
      return x < 0 ? Negated(x) : x;
    } else {
      return std::abs(x);  // 0 of -0
    }
  });
}

// NaN stays NaN.
absl::Status EvaluateSign(const EvalContext& c) {
  return MapNumeric(c, [](auto x) {
    using T = decltype(x);
    return x > 0 ? T{1} : x < 0 ? static_cast<T>(-1) : x == 0 ? T{0} : x;
  });
}

// Constant on both sides of zero.
InputGradients SignGradient(GradientContext&) { return InputGradients(1); }

// A predicate's results; elements of bool tensors are bytes.
template <typename F>
absl::Status EvaluatePredicate(const EvalContext& c, F f) {
  return VisitFloat(c.in(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<bool>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = f(x[i]);
  });
}

absl::Status EvaluateIsNaN(const EvalContext& c) {
  return EvaluatePredicate(c, [](auto x) { return std::isnan(x); });
}

absl::Status EvaluateIsInf(const EvalContext& c) {
  const bool negative = GetInt(c.attributes, "detect_negative", 1) != 0;
  const bool positive = GetInt(c.attributes, "detect_positive", 1) != 0;
  return EvaluatePredicate(c,
                           [=](auto x) { return std::isinf(x) && (x < 0 ? negative : positive); });
}

// A tensor from outside may hold bytes other than 0 and 1.
absl::Status EvaluateNot(const EvalContext& c) {
  const auto x = c.in(0).in<uint8_t>();
  const auto y = c.out().out<uint8_t>();
  for (size_t i = 0; i < y.size(); ++i) y[i] = x[i] == 0;
  return absl::OkStatus();
}

std::vector<OpDef> ArithmeticOps() {
  return {
      Arithmetic("Abs", "|X|, element-wise. The smallest integer stays as it is.", kNumericTypes,
                 EvaluateAbs, Formula<[](Terms t) { return t.dy * t.x.Op("Sign"); }>),
      Arithmetic("Sign", "1, 0 or -1 as X is above, at or below 0, element-wise; NaN stays NaN.",
                 kNumericTypes, EvaluateSign, SignGradient),
      Arithmetic("Neg", "-X, element-wise.", kSignedTypes, EvaluateNeg,
                 Formula<[](Terms t) { return -t.dy; }>),
      Rounding("Floor", "The largest integer that is not above X, element-wise.",
               Math<[](double x) { return std::floor(x); }>),
      Rounding("Ceil", "The smallest integer that is not below X, element-wise.",
               Math<[](double x) { return std::ceil(x); }>),
      Rounding("Round", "The integer next to X, element-wise; halves go to the even one.",
               Math<[](double x) { return std::nearbyint(x); }>),
      Function("Reciprocal", "1 / X, element-wise.", Math<[](double x) { return 1 / x; }>,
               Formula<[](Terms t) { return -(t.dy * t.y * t.y); }>),
      Function("Sqrt", "The square root of X, element-wise; NaN for negative elements.",
               Math<[](double x) { return std::sqrt(x); }>,
               Formula<[](Terms t) { return t.dy * 0.5 / t.y; }>),
  };
}

std::vector<OpDef> ExponentialOps() {
  return {
      Exponential("Exp", "e^X, element-wise.", Math<[](double x) { return std::exp(x); }>,
                  Formula<[](Terms t) { return t.dy * t.y; }>),
      Exponential("Log", "The natural logarithm of X, element-wise; NaN for negative elements.",
                  Math<[](double x) { return std::log(x); }>,
                  Formula<[](Terms t) { return t.dy / t.x; }>),
      Exponential("Erf",
                  "The error function of X, element-wise: 2/sqrt(pi) times the integral of "
                  "exp(-t^2) from 0 to X.",
                  Math<[](double x) { return std::erf(x); }>, Formula<[](Terms t) {
                    return t.dy * (2 * std::numbers::inv_sqrtpi) * (-(t.x * t.x)).Op("Exp");
                  }>),
      Exponential("Sinh", "The hyperbolic sine of X, element-wise.",
                  Math<[](double x) { return std::sinh(x); }>,
                  Formula<[](Terms t) { return t.dy * t.x.Op("Cosh"); }>),
      Exponential("Cosh", "The hyperbolic cosine of X, element-wise.",
                  Math<[](double x) { return std::cosh(x); }>,
                  Formula<[](Terms t) { return t.dy * t.x.Op("Sinh"); }>),
      Exponential("Asinh", "The inverse of the hyperbolic sine of X, element-wise.",
                  Math<[](double x) { return std::asinh(x); }>,
                  Formula<[](Terms t) { return t.dy / (1 + t.x * t.x).Op("Sqrt"); }>),
      Exponential(
          "Acosh",
          "The inverse of the hyperbolic cosine of X, element-wise; NaN for elements below "
          "1.",
          Math<[](double x) { return std::acosh(x); }>,
          Formula<[](Terms t) { return t.dy / ((t.x - 1).Op("Sqrt") * (t.x + 1).Op("Sqrt")); }>),
      Exponential("Atanh",
                  "The inverse of the hyperbolic tangent of X, element-wise; NaN for elements "
                  "outside [-1, 1].",
                  Math<[](double x) { return std::atanh(x); }>,
                  Formula<[](Terms t) { return t.dy / ((1 - t.x) * (1 + t.x)); }>),
  };
}

std::vector<OpDef> TrigonometricOps() {
  return {
      Exponential("Sin", "The sine of X (radians), element-wise.",
                  Math<[](double x) { return std::sin(x); }>,
                  Formula<[](Terms t) { return t.dy * t.x.Op("Cos"); }>),
      Exponential("Cos", "The cosine of X (radians), element-wise.",
                  Math<[](double x) { return std::cos(x); }>,
                  Formula<[](Terms t) { return -(t.dy * t.x.Op("Sin")); }>),
      Exponential("Tan", "The tangent of X (radians), element-wise.",
                  Math<[](double x) { return std::tan(x); }>,
                  Formula<[](Terms t) { return t.dy * (1 + t.y * t.y); }>),
      Exponential("Asin",
                  "The angle in [-pi/2, pi/2] with sine X, element-wise; NaN for elements outside "
                  "[-1, 1].",
                  Math<[](double x) { return std::asin(x); }>,
                  Formula<[](Terms t) { return t.dy / ((1 - t.x) * (1 + t.x)).Op("Sqrt"); }>),
      Exponential("Acos",
                  "The angle in [0, pi] with cosine X, element-wise; NaN for elements outside "
                  "[-1, 1].",
                  Math<[](double x) { return std::acos(x); }>,
                  Formula<[](Terms t) { return -(t.dy / ((1 - t.x) * (1 + t.x)).Op("Sqrt")); }>),
      Exponential("Atan", "The angle in [-pi/2, pi/2] with tangent X, element-wise.",
                  Math<[](double x) { return std::atan(x); }>,
                  Formula<[](Terms t) { return t.dy / (1 + t.x * t.x); }>),
  };
}

std::vector<OpDef> PredicateOps() {
  OpDef is_inf = Predicate("IsInf",
                           "Whether X is -infinity (if detect_negative) or infinity (if "
                           "detect_positive), element-wise.",
                           EvaluateIsInf);
  is_inf.attributes = {{"detect_negative", Attribute::Kind::kInt, 1},
                       {"detect_positive", Attribute::Kind::kInt, 1}};
  OpDef negation = Predicate("Not", "not X, element-wise.", EvaluateNot);
  negation.inputs[0].dtypes = {DType::kBool};
  negation.aliases = InPlace;
  return {Predicate("IsNaN", "Whether X is NaN, element-wise.", EvaluateIsNaN), is_inf, negation};
}

}  // namespace

std::vector<OpDef> UnaryOps() {
  std::vector<OpDef> all;
  for (auto part : {ArithmeticOps, ExponentialOps, TrigonometricOps, PredicateOps}) {
    for (OpDef& def : part()) all.push_back(std::move(def));
  }
  return all;
}

}  // namespace weft
