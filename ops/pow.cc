#include <array>
#include <cmath>
#include <limits>

#include "ops/elementwise.h"
#include "ops/families.h"

namespace weft {
namespace {

// What does not fit an integer becomes the nearest that does, as in Cast.
template <typename T>
T Saturated(double y) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(y);
  } else {
    if (std::isnan(y)) return 0;
    if (y <= static_cast<double>(std::numeric_limits<T>::min())) {
      return std::numeric_limits<T>::min();
    }
    if (y >= std::ldexp(1.0, std::numeric_limits<T>::digits)) return std::numeric_limits<T>::max();
    return static_cast<T>(y);
  }
}

// Exact, by squaring; wraps around. A negative power is 1/x^-p cut towards zero; of 0 it is refused
// before.
template <typename T, typename P>
T IntegerPower(T x, P p) {
  if constexpr (std::is_signed_v<P>) {
    const bool alternates = std::is_signed_v<T> && x == static_cast<T>(-1);
    if (p < 0) return x == 1 || (alternates && p % 2 == 0) ? 1 : alternates ? x : 0;
  }
  const auto times = [](T a, T b) { return Wrapping(a, b, [](auto u, auto v) { return u * v; }); };
  T power = 1;
  for (; p != 0; p = static_cast<P>(p / 2)) {
    if (p % 2 != 0) power = times(power, x);
    x = times(x, x);
  }
  return power;
}

template <typename T, typename P>
T Power(T x, P p) {
  if constexpr (std::is_integral_v<T> && std::is_integral_v<P>) {
    return IntegerPower(x, p);
  } else {
    return Saturated<T>(std::pow(static_cast<double>(x), static_cast<double>(p)));
  }
}

template <typename T, typename P>
absl::Status EvaluatePair(const EvalContext& c) {
  bool zero_divides = false;
  ForEachPair<T, P, T>(c, [&](T x, P p) {
    zero_divides |= std::is_integral_v<T> && x == 0 && p < 0;
    return Power(x, p);
  });
  if (!zero_divides) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "expected no negative power of an integer 0, got one (it divides by zero)");
}

absl::Status EvaluatePow(const EvalContext& c) {
  const DType wide_type = WidestOf(c.in(1).dtype);
  Tensor memory;
  WEFT_ASSIGN_OR_RETURN(const TensorView exponent, ConvertedView(c.in(1), wide_type, memory));
  const std::array<TensorView, 2> inputs = {c.in(0), exponent};
  const EvalContext wide{c.attributes, inputs, c.outputs, c.key};
  return VisitDType<kArithmeticTypes>(c.in(0).dtype, [&](auto base) {
    return VisitDType<kWidestTypes>(
        wide_type, [&](auto power) { return EvaluatePair<decltype(base), decltype(power)>(wide); });
  });
}

// A constant without a zero needs no care where X is 0 too.
bool MayBeZero(Value p) {
  const Tensor* constant = ConstantValue(p);
  if (constant == nullptr) return true;
  for (int64_t i = 0; i < constant->size(); ++i) {
    if (constant->At(i) == 0) return true;
  }
  return false;
}

// p x^(p-1), where 0^0 has the slope 0 and not 0/0.
Value Slope(GradientContext& c, Value x, Value p) {
  const DType dtype = x.type().dtype;
  const Value one = c.Scalar(1, dtype);
  Value reduced = c.Op("Sub", {p, one});
  if (MayBeZero(c.x(1))) {
    const Value zero = c.Scalar(0, dtype);
    const Value both = c.Op("And", {c.Op("Equal", {x, zero}), c.Op("Equal", {p, zero})});
    reduced = c.Op("Where", {both, one, reduced});
  }
  return c.Op("Mul", {p, c.Op("Pow", {x, reduced})});
}

// d(x^p) = p x^(p-1) dx + x^p log(x) dp. The second is 0 at x = 0 (its limit for p > 0): there the
// logarithm is taken of 1, and 0 is the factor (for p < 0 the power is infinite).
InputGradients PowGradient(GradientContext& c) {
  InputGradients dx(2);
  const Value x = c.x(0);
  const DType dtype = x.type().dtype;
  Value p = c.x(1);
  if (p.type().dtype != dtype) p = c.Op("Cast", {p}, {{"to", dtype}});
  if (c.needs(0)) dx[0] = SumToLike(c, c.Op("Mul", {c.dy(), Slope(c, x, p)}), x);
  if (c.needs(1)) {
    const Value at_zero = c.Op("Equal", {x, c.Scalar(0, dtype)});
    const Value log = c.Op("Log", {c.Op("Where", {at_zero, c.Scalar(1, dtype), x})});
    const Value power = c.Op("Where", {at_zero, c.Scalar(0, dtype), c.y()});
    Value dp = c.Op("Mul", {c.Op("Mul", {c.dy(), power}), log});
    if (dtype != c.x(1).type().dtype) dp = c.Op("Cast", {dp}, {{"to", c.x(1).type().dtype}});
    dx[1] = SumToLike(c, dp, c.x(1));
  }
  return dx;
}

// Like a logarithm and an exponential.
Cost PowFlops(const CostContext& c) {
  return {.flops = 20.0 * static_cast<double>(c.OutputSize())};
}

}  // namespace

std::vector<OpDef> PowOps() {
  return {{.name = "Pow",
           .doc = "X to the power Y with NumPy broadcasting, of X's type. Integer powers of "
                  "integers wrap around; powers below 0 are cut towards zero, and of 0 an error. "
                  "The gradient in Y is 0 where X is 0.",
           .inputs = {{"X", kArithmeticTypes}, {"Y", kArithmeticTypes, Arity::kRequired, ' '}},
           .outputs = {{"Z"}},
           .infer = InferBroadcast,
           .gradient = PowGradient,
           .evaluate = EvaluatePow,
           .cost = PowFlops,
           .aliases = InPlaceOfEither,
           .traits = {.elementwise = true}}};
}

}  // namespace weft
