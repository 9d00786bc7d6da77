#include "ops/reduce.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "ops/families.h"

namespace weft {

absl::StatusOr<std::vector<int64_t>> ReducedAxes(const AttributeMap& attributes, int rank) {
  std::vector<int64_t> all(static_cast<size_t>(rank));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int64_t> axes = GetInts(attributes, "axes");
  if (axes.empty()) return all;
  return NormalizeAxes(axes, rank);
}

absl::StatusOr<Dims> KeptDims(const EvalContext& c, int input) {
  WEFT_ASSIGN_OR_RETURN(const auto axes, ReducedAxes(c.attributes, c.in(input).rank()));
  const Dims dims(c.in(input).dims.begin(), c.in(input).dims.end());
  return WithoutAxes(dims, axes, /*keep=*/true);
}

absl::StatusOr<std::vector<TensorType>> InferReduce(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const auto axes, ReducedAxes(c.attributes(), c.type(0).rank()));
  const bool keep = GetInt(c.attributes(), "keepdims", 1) != 0;
  return std::vector<TensorType>{{c.type(0).dtype, WithoutAxes(c.type(0).shape, axes, keep)}};
}

Value ExpandReduced(GradientContext& c, Value value) {
  const auto axes = ReducedAxes(c.attributes(), c.x().type().rank());
  if (!axes.ok()) return c.Fail(axes.status());
  AttributeMap attributes;
  if (GetInt(c.attributes(), "keepdims", 1) == 0) attributes.emplace("axes", *axes);
  return c.Op("ExpandLike", {value, c.x()}, std::move(attributes));
}

Value Unreduced(GradientContext& c, Value value) {
  if (GetInt(c.attributes(), "keepdims", 1) != 0) return value;
  const auto axes = ReducedAxes(c.attributes(), c.x().type().rank());
  if (!axes.ok()) return c.Fail(axes.status());
  return axes->empty() ? value : c.Op("Unsqueeze", {value, c.Ints(*axes)});
}

AttributeMap KeepingAxes(const GradientContext& c) {
  AttributeMap attributes = c.attributes();
  attributes["keepdims"] = 1;
  return attributes;
}

Cost InputFlops(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(0))}; }

OpDef ReductionOp(std::string_view name, std::string_view doc, DTypeSet dtypes, GradientFn gradient,
                  EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"data", dtypes}},
          .outputs = {{"reduced"}},
          .attributes = {{.name = "axes", .kind = Attribute::Kind::kInts},
                         {.name = "keepdims", .fallback = 1}},
          .infer = InferReduce,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = InputFlops,
          .traits = {.reduction = true}};
}

namespace {

// The output is finish(sum over the axes of term(x)), in double; integers wrap around.
template <typename Term, typename Finish>
absl::Status EvaluateSum(const EvalContext& c, Term term, Finish finish) {
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(c));
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    using Sum = Accumulator<T>;
    const auto sums = FoldInto<T, Sum>(c.in(0), kept, 0, [&](Sum sum, T e, int64_t) {
      return sum + term(static_cast<Sum>(e), e < T{0});
    });
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(finish(sums[i]));
  });
}

constexpr auto kItself = [](auto e, auto...) { return e; };
constexpr auto kMagnitude = [](auto e, bool negative) { return negative ? 0 - e : e; };
constexpr auto kSquare = [](auto e, bool) { return e * e; };

absl::Status EvaluateReduceSum(const EvalContext& c) { return EvaluateSum(c, kItself, kItself); }
absl::Status EvaluateReduceL1(const EvalContext& c) { return EvaluateSum(c, kMagnitude, kItself); }
absl::Status EvaluateReduceSumSquare(const EvalContext& c) {
  return EvaluateSum(c, kSquare, kItself);
}
absl::Status EvaluateReduceL2(const EvalContext& c) {
  return EvaluateSum(c, kSquare, [](auto sum) { return std::sqrt(static_cast<double>(sum)); });
}
absl::Status EvaluateReduceLogSum(const EvalContext& c) {
  return EvaluateSum(c, kItself, [](auto sum) { return std::log(static_cast<double>(sum)); });
}

absl::Status EvaluateReduceMean(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(c));
  int64_t count = 1;
  for (size_t axis = 0; axis < kept.size(); ++axis) {
    if (kept[axis] != c.in(0).dims[axis]) count *= c.in(0).dims[axis];
  }
  if (count == 0 && c.out().size() > 0 && !kFloatTypes.contains(c.out().dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the mean of no integers: expected some, data has dims ", ToString(c.in(0).dims)));
  }
  return EvaluateSum(c, kItself, [count](auto sum) {
    if constexpr (std::is_floating_point_v<decltype(sum)>) {
      return sum / static_cast<double>(count);
    } else {
      return static_cast<int64_t>(sum) / count;
    }
  });
}

// log sum exp(x) = m + log sum exp(x - m), where m is the largest element if that is finite.
absl::Status EvaluateReduceLogSumExp(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(c));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr double kLowest = -std::numeric_limits<double>::infinity();
    std::vector<double> largest = FoldInto<T, double>(
        c.in(0), kept, kLowest, [](double m, T e, int64_t) { return e > m ? e : m; });
    for (double& m : largest) m = std::isfinite(m) ? m : 0;
    const auto sums = FoldInto<T, double>(c.in(0), kept, 0.0, [&](double sum, T e, int64_t at) {
      return sum + std::exp(e - largest[static_cast<size_t>(at)]);
    });
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(largest[i] + std::log(sums[i]));
  });
}

InputGradients SumGradient(GradientContext& c) { return {ExpandReduced(c, c.dy())}; }

// dx = dy / n, where n = size(x) / size(y) elements were averaged into one.
InputGradients MeanGradient(GradientContext& c) {
  const DType dtype = c.x().type().dtype;
  const auto all = CountElements(c.x().type().shape);
  const auto left = CountElements(c.y().type().shape);
  std::optional<Dim> count;
  if (all.ok() && left.ok()) count = Dim::DivideExactly(*all, *left);
  Value divisor;
  if (count && count->is_static()) {
    divisor = c.Scalar(static_cast<double>(count->coefficient()), dtype);
  } else {
    const Value size = c.Op("Cast", {c.Op("Size", {c.x()})}, {{"to", dtype}});
    divisor = c.Op("Div", {size, c.Op("Cast", {c.Op("Size", {c.y()})}, {{"to", dtype}})});
  }
  return {ExpandReduced(c, c.Op("Div", {c.dy(), divisor}))};
}

// d sum|x| = sign(x) dx
InputGradients L1Gradient(GradientContext& c) {
  return {c.Op("Mul", {c.Op("Sign", {c.x()}), Unreduced(c, c.dy())})};
}

// d sum x^2 = 2 x dx
InputGradients SumSquareGradient(GradientContext& c) {
  const Value twice = c.Op("Mul", {c.dy(), c.Scalar(2, c.x().type().dtype)});
  return {c.Op("Mul", {c.x(), Unreduced(c, twice)})};
}

// d |x| = x/|x| dx, and 0 at 0: there x, all zeros, is divided by 1.
InputGradients L2Gradient(GradientContext& c) {
  const DType dtype = c.x().type().dtype;
  const Value at_zero = c.Op("Equal", {c.y(), c.Scalar(0, dtype)});
  const Value length = c.Op("Where", {at_zero, c.Scalar(1, dtype), c.y()});
  return {c.Op("Mul", {c.x(), Unreduced(c, c.Op("Div", {c.dy(), length}))})};
}

// d log s = ds / s
InputGradients LogSumGradient(GradientContext& c) {
  return {ExpandReduced(c, c.Op("Div", {c.dy(), c.Op("Exp", {c.y()})}))};
}

// d log sum exp(x) = exp(x - y) dx, which is softmax
InputGradients LogSumExpGradient(GradientContext& c) {
  const Value share = c.Op("Exp", {c.Op("Sub", {c.x(), Unreduced(c, c.y())})});
  return {c.Op("Mul", {share, Unreduced(c, c.dy())})};
}

}  // namespace

std::vector<OpDef> ReduceOps() {
  return {
      ReductionOp("ReduceSum",
                  "The sum of data over `axes` (absent: all), which stay as 1 if keepdims.",
                  kSignedTypes, SumGradient, EvaluateReduceSum),
      ReductionOp(
          "ReduceMean",
          "The mean of data over `axes` (absent: all), which stay as 1 if keepdims. Means of "
          "integers are cut towards zero; of no elements NaN, of no integers an error.",
          kSignedTypes, MeanGradient, EvaluateReduceMean),
      ReductionOp("ReduceL1",
                  "The sum of |data| over `axes` (absent: all), which stay as 1 if keepdims.",
                  kSignedTypes, L1Gradient, EvaluateReduceL1),
      ReductionOp("ReduceL2",
                  "The square root of the sum of data^2 over `axes` (absent: all), which stay as 1 "
                  "if keepdims. Its gradient where that is 0 is 0.",
                  kFloatTypes, L2Gradient, EvaluateReduceL2),
      ReductionOp("ReduceSumSquare",
                  "The sum of data^2 over `axes` (absent: all), which stay as 1 if keepdims.",
                  kSignedTypes, SumSquareGradient, EvaluateReduceSumSquare),
      ReductionOp("ReduceLogSum",
                  "The logarithm of the sum of data over `axes` (absent: all), which stay as 1 if "
                  "keepdims; -inf of no elements.",
                  kFloatTypes, LogSumGradient, EvaluateReduceLogSum),
      ReductionOp(
          "ReduceLogSumExp",
          "log sum exp(data) over `axes` (absent: all), which stay as 1 if keepdims, without "
          "overflow: the largest element is taken out first. -inf of no elements.",
          kFloatTypes, LogSumExpGradient, EvaluateReduceLogSumExp),
  };
}

}  // namespace weft
