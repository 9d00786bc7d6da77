#include <algorithm>
#include <cmath>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

// Integer arithmetic wraps around, as in NumPy: it is done in the unsigned type, where that is
// defined.
template <typename T, typename F>
T Wrapping(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(f(static_cast<U>(a), static_cast<U>(b))));
  } else {
    return f(a, b);
  }
}

struct AddElements {
  template <typename T>
  T operator()(T a, T b) const {
    return Wrapping(a, b, [](auto x, auto y) { return x + y; });
  }
};

struct SubElements {
  template <typename T>
  T operator()(T a, T b) const {
    return Wrapping(a, b, [](auto x, auto y) { return x - y; });
  }
};

struct MulElements {
  template <typename T>
  T operator()(T a, T b) const {
    return Wrapping(a, b, [](auto x, auto y) { return x * y; });
  }
};

struct DivElements {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      if (b == -1) return SubElements()(T{0}, a);  // The smallest integer has no negative; wraps.
    }
    return static_cast<T>(a / b);
  }
};

absl::StatusOr<std::vector<TensorType>> InferBinary(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, BroadcastShapes(c.type(0).shape, c.type(1).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

template <typename Fn>
absl::Status EvaluateBinary(const EvalContext& c) {
  return VisitNumeric(c.out().dtype, [&c](auto zero) -> absl::Status {
    using T = decltype(zero);
    const auto a = c.in(0).in<T>();
    const auto b = c.in(1).in<T>();
    const auto y = c.out().out<T>();
    if constexpr (std::is_same_v<Fn, DivElements> && std::is_integral_v<T>) {
      const auto divisor = std::find(b.begin(), b.end(), T{0});
      if (divisor != b.end() && !y.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("integer division by zero: element ", divisor - b.begin(), " of B is 0"));
      }
    }
    ForEachOffset<2>(c.out().dims,
                     {BroadcastStrides(c.in(0).dims, c.out().dims),
                      BroadcastStrides(c.in(1).dims, c.out().dims)},
                     [&](int64_t i, const std::array<int64_t, 2>& at) {
                       y[static_cast<size_t>(i)] =
                           Fn()(a[static_cast<size_t>(at[0])], b[static_cast<size_t>(at[1])]);
                     });
    return absl::OkStatus();
  });
}

template <typename F>
absl::Status EvaluateUnary(const EvalContext& c, F f) {
  VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(f(x[i]));
  });
  return absl::OkStatus();
}

InputGradients AddGradient(GradientContext& c) {
  InputGradients dx(2);
  for (int i : {0, 1}) {
    if (c.needs(i)) dx[static_cast<size_t>(i)] = SumToLike(c, c.dy(), c.x(i));
  }
  return dx;
}

InputGradients SubGradient(GradientContext& c) {
  InputGradients dx(2);
  if (c.needs(0)) dx[0] = SumToLike(c, c.dy(), c.x(0));
  if (c.needs(1)) dx[1] = c.Op("Neg", {SumToLike(c, c.dy(), c.x(1))});
  return dx;
}

// d(a*b) = b da + a db
InputGradients MulGradient(GradientContext& c) {
  InputGradients dx(2);
  if (c.needs(0)) dx[0] = SumToLike(c, c.Op("Mul", {c.dy(), c.x(1)}), c.x(0));
  if (c.needs(1)) dx[1] = SumToLike(c, c.Op("Mul", {c.dy(), c.x(0)}), c.x(1));
  return dx;
}

// d(a/b) = da / b - (a/b) db / b
InputGradients DivGradient(GradientContext& c) {
  InputGradients dx(2);
  const Value quotient = c.Op("Div", {c.dy(), c.x(1)});
  if (c.needs(0)) dx[0] = SumToLike(c, quotient, c.x(0));
  if (c.needs(1)) dx[1] = c.Op("Neg", {SumToLike(c, c.Op("Mul", {quotient, c.y()}), c.x(1))});
  return dx;
}

InputGradients NegGradient(GradientContext& c) { return {c.Op("Neg", {c.dy()})}; }

// d sqrt(x) = dx / (2 sqrt(x))
InputGradients SqrtGradient(GradientContext& c) {
  const Value half = c.Scalar(0.5, c.y().type().dtype);
  return {c.Op("Div", {c.Op("Mul", {c.dy(), half}), c.y()})};
}

absl::Status EvaluateNeg(const EvalContext& c) {
  return EvaluateUnary(c, [](auto x) {
    if constexpr (std::is_floating_point_v<decltype(x)>) {
      return -x;  // not 0 - x, which would make 0 of 0 and not -0
    } else {
      return SubElements()(decltype(x){0}, x);
    }
  });
}

absl::Status EvaluateSqrt(const EvalContext& c) {
  return EvaluateUnary(c, [](auto x) { return std::sqrt(x); });
}

OpDef Binary(std::string_view name, std::string_view doc, GradientFn gradient,
             EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"A", kNumericTypes}, {"B", kNumericTypes}},
          .outputs = {{"C"}},
          .infer = InferBinary,
          .gradient = gradient,
          .evaluate = evaluate,
          .aliases = InPlaceOfEither};
}

}  // namespace

std::vector<OpDef> ElementwiseOps() {
  return {
      Binary("Add", "A + B with NumPy broadcasting. Integers wrap around.", AddGradient,
             EvaluateBinary<AddElements>),
      Binary("Sub", "A - B with NumPy broadcasting. Integers wrap around.", SubGradient,
             EvaluateBinary<SubElements>),
      Binary("Mul", "A * B with NumPy broadcasting. Integers wrap around.", MulGradient,
             EvaluateBinary<MulElements>),
      Binary("Div",
             "A / B with NumPy broadcasting. Integer quotients are cut towards zero; dividing an "
             "integer by zero is an error.",
             DivGradient, EvaluateBinary<DivElements>),
      {.name = "Neg",
       .doc = "-X, element-wise.",
       .inputs = {{"X", kSignedTypes}},
       .infer = InferSameAsFirst,
       .gradient = NegGradient,
       .evaluate = EvaluateNeg,
       .aliases = InPlace},
      {.name = "Sqrt",
       .doc = "The square root of X, element-wise; NaN for negative elements.",
       .inputs = {{"X"}},
       .infer = InferSameAsFirst,
       .gradient = SqrtGradient,
       .evaluate = EvaluateSqrt,
       .aliases = InPlace},
  };
}

}  // namespace weft
