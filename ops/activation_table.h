#ifndef WEFT_OPS_ACTIVATION_TABLE_H_
#define WEFT_OPS_ACTIVATION_TABLE_H_

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>
#include <vector>

#include "graph/op.h"
#include "ops/common.h"
#include "ops/term.h"

// The activations: a struct each, constructed from the node's attributes. ops/activation.cc makes
// two ops of it, `kName` and its gradient op.
//
//   f(x)           the function
//   Slope(v)       its derivative, where v is x, or f(x) if kFromResult
//   KeepsSlope(a)  whether Slope(f(x)) is Slope(x): the gradient then reads the result, and f may
//                  run in x's memory; absent where it never is
//   Curve(a, t, v) t times the derivative of Slope, as graph nodes; absent where that is 0. In the
//                  gradient ops with t for dY it often has a short form.
//   Attributes()   their specs; absent where there are none
//
// All in double, in forms that neither overflow nor cancel far from zero.

namespace weft::activation {

using Specs = std::vector<AttributeSpec>;

inline AttributeSpec Float(std::string_view name, double fallback) {
  return {name, Attribute::Kind::kFloat, fallback};
}

inline double Logistic(double x) {
  const double e = std::exp(-std::abs(x));  // at most 1: no overflow on either side
  return (x >= 0 ? 1 : e) / (1 + e);
}

struct Plain {
  explicit Plain(const AttributeMap&) {}
};

struct Sigmoid : Plain {
  static constexpr std::string_view kName = "Sigmoid";
  static constexpr std::string_view kDoc = "1 / (1 + exp(-X)), element-wise.";
  static constexpr bool kFromResult = true;
  using Plain::Plain;
  double f(double x) const { return Logistic(x); }
  double Slope(double y) const { return y * (1 - y); }
  static Term Curve(const AttributeMap&, Term t, Term y) { return t * (1 - 2 * y); }
};

struct Tanh : Plain {
  static constexpr std::string_view kName = "Tanh";
  static constexpr std::string_view kDoc = "The hyperbolic tangent of X, element-wise.";
  static constexpr bool kFromResult = true;
  using Plain::Plain;
  double f(double x) const { return std::tanh(x); }
  double Slope(double y) const { return 1 - y * y; }
  static Term Curve(const AttributeMap&, Term t, Term y) { return t * y * -2; }
};

struct Relu : Plain {
  static constexpr std::string_view kName = "Relu";
  static constexpr std::string_view kDoc = "max(X, 0), element-wise; NaN stays NaN.";
  static constexpr bool kFromResult = true;
  static constexpr bool kIntegers = true;
  using Plain::Plain;
  template <typename T>
  T f(T x) const {
    return x < 0 ? T{0} : x;
  }
  double Slope(double y) const { return y > 0; }
};

struct LeakyRelu {
  static constexpr std::string_view kName = "LeakyRelu";
  static constexpr std::string_view kDoc = "X where X >= 0 and alpha * X elsewhere, element-wise.";
  static Specs Attributes() { return {Float("alpha", 0.01)}; }
  explicit LeakyRelu(const AttributeMap& a) : alpha(GetFloat(a, "alpha")) {}
  // But where alpha * x is so small that it is 0, whose slope is 1: with these alphas, where |x| is
  // below 1.2e-32 in f32, 2.3e-302 in f64.
  static bool KeepsSlope(const AttributeMap& a) { return GetFloat(a, "alpha") >= 1e-6; }
  double f(double x) const { return x < 0 ? alpha * x : x; }
  double Slope(double x) const { return x < 0 ? alpha : 1; }
  double alpha;
};

struct Elu {
  static constexpr std::string_view kName = "Elu";
  static constexpr std::string_view kDoc =
      "X where X >= 0 and alpha * (exp(X) - 1) elsewhere, element-wise (Clevert et al. 2015).";
  static Specs Attributes() { return {Float("alpha", 1)}; }
  explicit Elu(const AttributeMap& a) : alpha(GetFloat(a, "alpha")) {}
  double f(double x) const { return x < 0 ? alpha * std::expm1(x) : x; }
  double Slope(double x) const { return x < 0 ? alpha * std::exp(x) : 1; }
  // The slope itself below zero, and 0 above: what it has there is a Relu's.
  static Term Curve(const AttributeMap& a, Term t, Term x) {
    return t.With("EluGrad", x, a) - t.With("ReluGrad", x);
  }
  double alpha;
};

struct Selu {
  static constexpr std::string_view kName = "Selu";
  static constexpr std::string_view kDoc =
      "gamma * X where X >= 0 and gamma * alpha * (exp(X) - 1) elsewhere, element-wise (Klambauer "
      "et al. 2017).";
  static Specs Attributes() {
    return {Float("alpha", 1.67326319217681884765625), Float("gamma", 1.05070102214813232421875)};
  }
  explicit Selu(const AttributeMap& a) : alpha(GetFloat(a, "alpha")), gamma(GetFloat(a, "gamma")) {}
  double f(double x) const { return gamma * (x < 0 ? alpha * std::expm1(x) : x); }
  double Slope(double x) const { return gamma * (x < 0 ? alpha * std::exp(x) : 1); }
  static Term Curve(const AttributeMap& a, Term t, Term x) {
    return t.With("SeluGrad", x, a) - t.With("ReluGrad", x) * GetFloat(a, "gamma");
  }
  double alpha, gamma;
};

struct Celu {
  static constexpr std::string_view kName = "Celu";
  static constexpr std::string_view kDoc =
      "X where X >= 0 and alpha * (exp(X / alpha) - 1) elsewhere, element-wise (Barron 2017).";
  static Specs Attributes() { return {Float("alpha", 1)}; }
  static absl::Status Check(const AttributeMap& a) {
    if (GetFloat(a, "alpha") != 0) return absl::OkStatus();
    return absl::InvalidArgumentError("attribute alpha: expected a number other than 0, got 0");
  }
  explicit Celu(const AttributeMap& a) : alpha(GetFloat(a, "alpha")) {}
  double f(double x) const { return x < 0 ? alpha * std::expm1(x / alpha) : x; }
  double Slope(double x) const { return x < 0 ? std::exp(x / alpha) : 1; }
  static Term Curve(const AttributeMap& a, Term t, Term x) {
    return (t.With("CeluGrad", x, a) - t.With("ReluGrad", x)) / GetFloat(a, "alpha");
  }
  double alpha;
};

struct Gelu {
  static constexpr std::string_view kName = "Gelu";
  static constexpr std::string_view kDoc =
      "X times the normal distribution's P(Z <= X), element-wise (Hendrycks and Gimpel 2016): "
      "0.5 X (1 + erf(X / sqrt(2))), or, with approximate \"tanh\", 0.5 X (1 + tanh(sqrt(2/pi) (X "
      "+ "
      "0.044715 X^3))).";
  static constexpr double kRoot = 0.79788456080286535588;  // sqrt(2 / pi)
  static constexpr double kCube = 0.044715;
  static Specs Attributes() { return {{"approximate", Attribute::Kind::kString, "none"}}; }
  static absl::Status Check(const AttributeMap& a) {
    return CheckOneOf(a, "approximate", {"none", "tanh"});
  }
  static bool IsApproximate(const AttributeMap& a) { return GetString(a, "approximate") == "tanh"; }
  explicit Gelu(const AttributeMap& a) : approximate(IsApproximate(a)) {}

  // (1 + tanh(u)) / 2 is the logistic function of 2 u.
  static double Inner(double x) { return kRoot * (x + kCube * x * x * x); }
  static double InnerSlope(double x) { return kRoot * (1 + 3 * kCube * x * x); }
  static double Probability(double x) { return 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2); }
  static double Density(double x) { return 0.5 * kRoot * std::exp(-0.5 * x * x); }

  double f(double x) const { return x * (approximate ? Logistic(2 * Inner(x)) : Probability(x)); }
  double Slope(double x) const {
    if (!approximate) return Probability(x) + x * Density(x);
    const double s = Logistic(2 * Inner(x)), rest = Logistic(-2 * Inner(x));
    return s + 2 * x * s * rest * InnerSlope(x);
  }
  static Term Curve(const AttributeMap& a, Term t, Term x) {
    const Term x2 = x * x;
    if (!IsApproximate(a)) return t * (2 - x2) * (x2 * -0.5).Op("Exp") * (kRoot / 2);
    // With u the inner polynomial, w = tanh(u): (1 - w^2) (u' + x/2 (u'' - 2 w u'^2)).
    const Term w = (x * (x2 * (kRoot * kCube) + kRoot)).Op("Tanh");
    const Term du = x2 * (3 * kRoot * kCube) + kRoot;
    const Term inner = du + x * 0.5 * (x * (6 * kRoot * kCube) - 2 * w * du * du);
    return (t * inner).With("TanhGrad", w);
  }
  bool approximate;
};

struct Silu : Plain {
  static constexpr std::string_view kName = "Silu";
  static constexpr std::string_view kDoc =
      "X / (1 + exp(-X)), element-wise: also called swish (Elfwing et al. 2017).";
  using Plain::Plain;
  double f(double x) const { return x * Logistic(x); }
  double Slope(double x) const { return Logistic(x) * (1 + x * Logistic(-x)); }
  static Term Curve(const AttributeMap&, Term t, Term x) {
    const Term s = x.Op("Sigmoid");
    return (t * (2 + x * (1 - 2 * s))).With("SigmoidGrad", s);
  }
};

struct Mish : Plain {
  static constexpr std::string_view kName = "Mish";
  static constexpr std::string_view kDoc = "X * tanh(log(1 + exp(X))), element-wise (Misra 2019).";
  using Plain::Plain;
  // tanh(softplus(x)) = q / (q + 2) with q = e^2x + 2 e^x; in powers of n = e^-|x|.
  static double Gate(double x) {
    const double n = std::exp(-std::abs(x));
    const double q = x < 0 ? n * (n + 2) : 1 + 2 * n;
    return q / (q + (x < 0 ? 2 : 2 * n * n));
  }
  static double GateSlope(double x) {
    const double n = std::exp(-std::abs(x));
    const double d = x < 0 ? n * (n + 2) + 2 : 1 + 2 * n * (1 + n);
    return 4 * n * (1 + n) * (x < 0 ? 1 : n) / (d * d);
  }
  double f(double x) const { return x * Gate(x); }
  double Slope(double x) const { return Gate(x) + x * GateSlope(x); }
  // With w the gate and s the sigmoid: w' (2 + x (1 - s - 2 w s)), w' = (1 - w^2) s.
  static Term Curve(const AttributeMap&, Term t, Term x) {
    const Term w = x.Op("Softplus").Op("Tanh"), s = x.Op("Sigmoid");
    return (t * s * (2 + x * (1 - s - 2 * w * s))).With("TanhGrad", w);
  }
};

struct HardSigmoid {
  static constexpr std::string_view kName = "HardSigmoid";
  static constexpr std::string_view kDoc = "max(0, min(1, alpha * X + beta)), element-wise.";
  static Specs Attributes() { return {Float("alpha", 0.2), Float("beta", 0.5)}; }
  explicit HardSigmoid(const AttributeMap& a)
      : alpha(GetFloat(a, "alpha")), beta(GetFloat(a, "beta")) {}
  double f(double x) const {
    const double line = alpha * x + beta;
    return line < 0 ? 0 : line > 1 ? 1 : line;  // NaN stays NaN
  }
  double Slope(double x) const {
    const double line = alpha * x + beta;
    return line > 0 && line < 1 ? alpha : 0;
  }
  double alpha, beta;
};

struct HardSwish : Plain {
  static constexpr std::string_view kName = "HardSwish";
  static constexpr std::string_view kDoc =
      "X * max(0, min(1, X / 6 + 0.5)), element-wise (Howard et al. 2019).";
  using Plain::Plain;
  double f(double x) const { return x <= -3 ? 0 : x >= 3 ? x : x * (x / 6 + 0.5); }
  double Slope(double x) const { return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5; }
  static Term Curve(const AttributeMap&, Term t, Term x) {
    return t.With("HardSigmoidGrad", x, {{"alpha", 1.0 / 6}, {"beta", 0.5}}) * 2;
  }
};

struct Softplus : Plain {
  static constexpr std::string_view kName = "Softplus";
  static constexpr std::string_view kDoc = "log(1 + exp(X)), element-wise.";
  using Plain::Plain;
  double f(double x) const { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::abs(x))); }
  double Slope(double x) const { return Logistic(x); }
  static Term Curve(const AttributeMap&, Term t, Term x) {
    return t.With("SigmoidGrad", x.Op("Sigmoid"));
  }
};

struct Softsign : Plain {
  static constexpr std::string_view kName = "Softsign";
  static constexpr std::string_view kDoc = "X / (1 + |X|), element-wise.";
  using Plain::Plain;
  double f(double x) const { return x / (1 + std::abs(x)); }
  double Slope(double x) const { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }
  static Term Curve(const AttributeMap&, Term t, Term x) {
    return t.With("SoftsignGrad", x) * x.Op("Sign") * -2 / (x.Op("Abs") + 1);
  }
};

struct ThresholdedRelu {
  static constexpr std::string_view kName = "ThresholdedRelu";
  static constexpr std::string_view kDoc = "X where X > alpha and 0 elsewhere, element-wise.";
  static Specs Attributes() { return {Float("alpha", 1)}; }
  explicit ThresholdedRelu(const AttributeMap& a) : alpha(GetFloat(a, "alpha")) {}
  static bool KeepsSlope(const AttributeMap& a) { return GetFloat(a, "alpha") >= 0; }
  double f(double x) const { return x <= alpha ? 0 : x; }  // NaN stays NaN
  double Slope(double x) const { return x > alpha; }
  double alpha;
};

struct Shrink {
  static constexpr std::string_view kName = "Shrink";
  static constexpr std::string_view kDoc =
      "X + bias where X < -lambd, X - bias where X > lambd, 0 between, element-wise.";
  static Specs Attributes() { return {Float("bias", 0), Float("lambd", 0.5)}; }
  static absl::Status Check(const AttributeMap& a) { return CheckFinite(a, "lambd", 0); }
  explicit Shrink(const AttributeMap& a) : bias(GetFloat(a, "bias")), lambd(GetFloat(a, "lambd")) {}
  double f(double x) const {
    return x < -lambd ? x + bias : x > lambd ? x - bias : x != x ? x : 0;  // NaN stays NaN
  }
  double Slope(double x) const { return x < -lambd || x > lambd; }
  double bias, lambd;
};

}  // namespace weft::activation

#endif  // WEFT_OPS_ACTIVATION_TABLE_H_
