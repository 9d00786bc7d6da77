#include "ops/elementwise.h"

#include <algorithm>
#include <cmath>

#include "graph/element.h"
#include "graph/evaluate.h"
#include "ops/families.h"

namespace weft {

absl::StatusOr<TensorView> ConvertedView(const TensorView& view, DType dtype, Tensor& memory) {
  if (view.dtype == dtype) return view;
  WEFT_ASSIGN_OR_RETURN(memory, Tensor::Zeros(dtype, {view.dims.begin(), view.dims.end()}));
  ConvertElements(view.dtype, view.data, dtype, memory.mutable_data(), memory.size());
  return ViewOf(memory);
}

absl::StatusOr<Shape> BroadcastOfInputs(const InferContext& c, int first) {
  if (c.num_inputs() <= first) {
    return absl::InvalidArgumentError("expected at least one input, got none");
  }
  Shape shape = c.type(first).shape;
  std::string operands = c.input(first).node->name();
  for (int i = first + 1; i < c.num_inputs(); ++i) {
    absl::StrAppend(&operands, " and ", c.input(i).node->name());
    auto both = BroadcastShapes(shape, c.type(i).shape);
    if (!both.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(both.status().message(), "; operands ", operands));
    }
    shape = *std::move(both);
  }
  WEFT_RETURN_IF_ERROR(CountElements(shape).status());
  return shape;
}

absl::StatusOr<std::vector<TensorType>> InferBroadcast(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, BroadcastOfInputs(c));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferComparison(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, BroadcastOfInputs(c));
  return std::vector<TensorType>{{DType::kBool, std::move(shape)}};
}

namespace {

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
      // The smallest integer has no negative; wraps.
      if (b == -1) return SubElements()(T{0}, a);
    }
    return static_cast<T>(a / b);
  }
};

// The remainder with the sign of `a` (C's fmod); for floating point the only one.
struct RemainderElements {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return 0;  // The smallest integer's quotient does not fit.
      }
      return static_cast<T>(a % b);
    }
  }
};

// The remainder with the sign of `b` (Python's %), of integers.
struct ModuloElements {
  template <typename T>
  T operator()(T a, T b) const {
    const T remainder = RemainderElements()(a, b);
    return remainder != 0 && (remainder < 0) != (b < 0) ? static_cast<T>(remainder + b) : remainder;
  }
};

template <typename Fn>
absl::Status EvaluateBinary(const EvalContext& c) {
  return VisitDType<kArithmeticTypes>(c.out().dtype, [&c](auto zero) -> absl::Status {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<Fn, AddElements> && !std::is_same_v<Fn, SubElements> &&
                  !std::is_same_v<Fn, MulElements>) {
      WEFT_RETURN_IF_ERROR(CheckDivisors<T>(c));
    }
    ForEachPair<T, T, T>(c, Fn());
    return absl::OkStatus();
  });
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

// dy * other summed to the shape of `like`: in one go where only `like` was broadcast.
Value MulToLike(GradientContext& c, Value other, Value like) {
  const Shape& shape = c.dy().type().shape;
  if (other.type().shape == shape && like.type().shape != shape) {
    return c.Op("MulReduceToLike", {c.dy(), other, like});
  }
  return SumToLike(c, c.Op("Mul", {c.dy(), other}), like);
}

// d(a*b) = b da + a db
InputGradients MulGradient(GradientContext& c) {
  InputGradients dx(2);
  if (c.needs(0)) dx[0] = MulToLike(c, c.x(1), c.x(0));
  if (c.needs(1)) dx[1] = MulToLike(c, c.x(0), c.x(1));
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

// mod(a, b) = a - b trunc(a/b), whose quotient is constant between jumps: d = da - trunc(a/b) db
InputGradients ModGradient(GradientContext& c) {
  InputGradients dx(2);
  if (c.needs(0)) dx[0] = SumToLike(c, c.dy(), c.x(0));
  if (c.needs(1)) {
    const Value quotient = c.Op("Div", {c.Op("Sub", {c.y(), c.x(0)}), c.x(1)});
    dx[1] = SumToLike(c, c.Op("Mul", {c.dy(), quotient}), c.x(1));
  }
  return dx;
}

absl::StatusOr<std::vector<TensorType>> InferMod(const InferContext& c) {
  if (kFloatTypes.contains(c.type(0).dtype) && GetInt(c.attributes(), "fmod") == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute fmod: expected 1 for floating point, got 0 with ",
                     Absl(ToString(c.type(0).dtype))));
  }
  return InferBroadcast(c);
}

absl::Status EvaluateMod(const EvalContext& c) {
  return GetInt(c.attributes, "fmod") != 0 ? EvaluateBinary<RemainderElements>(c)
                                           : EvaluateBinary<ModuloElements>(c);
}

OpDef Binary(std::string_view name, std::string_view doc, GradientFn gradient,
             EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"A", kArithmeticTypes}, {"B", kArithmeticTypes}},
          .outputs = {{"C"}},
          .infer = InferBroadcast,
          .gradient = gradient,
          .evaluate = evaluate,
          .aliases = InPlaceOfEither,
          .traits = {.elementwise = true}};
}

OpDef Mod() {
  OpDef def =
      Binary("Mod",
             "The remainder of A / B with NumPy broadcasting: with the sign of B (Python's %, "
             "integers only), or of A where fmod = 1 (C's fmod). An integer by zero is an error.",
             ModGradient, EvaluateMod);
  def.attributes = {{.name = "fmod", .fallback = 0}};
  def.infer = InferMod;
  return def;
}

}  // namespace

std::vector<OpDef> ElementwiseOps() {
  return {
      Commutative(Binary("Add", "A + B with NumPy broadcasting. Integers wrap around.", AddGradient,
                         EvaluateBinary<AddElements>)),
      Binary("Sub", "A - B with NumPy broadcasting. Integers wrap around.", SubGradient,
             EvaluateBinary<SubElements>),
      Commutative(Binary("Mul", "A * B with NumPy broadcasting. Integers wrap around.", MulGradient,
                         EvaluateBinary<MulElements>)),
      Binary("Div",
             "A / B with NumPy broadcasting. Integer quotients are cut towards zero; dividing an "
             "integer by zero is an error.",
             DivGradient, EvaluateBinary<DivElements>),
      Mod(),
  };
}

}  // namespace weft
