#include <algorithm>
#include <numeric>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

// The axes a reduction takes away, sorted: the attribute's, or all.
absl::StatusOr<std::vector<int64_t>> ReducedAxes(const AttributeMap& attributes, int rank) {
  std::vector<int64_t> all(static_cast<size_t>(rank));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int64_t> axes = GetInts(attributes, "axes");
  if (axes.empty()) return all;
  return NormalizeAxes(axes, rank);
}

bool Contains(const std::vector<int64_t>& sorted, size_t axis) {
  return std::binary_search(sorted.begin(), sorted.end(), static_cast<int64_t>(axis));
}

// `shape` with the axes made 1, or removed.
template <typename Extents>
Extents WithoutAxes(const Extents& shape, const std::vector<int64_t>& axes, bool keep) {
  Extents result;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!Contains(axes, axis)) {
      result.push_back(shape[axis]);
    } else if (keep) {
      result.push_back(1);
    }
  }
  return result;
}

absl::StatusOr<std::vector<TensorType>> InferReduce(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const auto axes, ReducedAxes(c.attributes(), c.type(0).rank()));
  const bool keep = GetInt(c.attributes(), "keepdims", 1) != 0;
  return std::vector<TensorType>{{c.type(0).dtype, WithoutAxes(c.type(0).shape, axes, keep)}};
}

// Sums x into the elements of y, whose dims `summed` broadcast to x's; divides by `count`.
template <typename T>
void SumInto(const TensorView& x, std::span<const int64_t> summed, const TensorView& y,
             int64_t count) {
  std::vector<Accumulator<T>> sums(static_cast<size_t>(y.size()), 0);
  const auto in = x.in<T>();
  ForEachOffset<1>(
      x.dims, {BroadcastStrides(summed, x.dims)}, [&](int64_t i, const std::array<int64_t, 1>& at) {
        sums[static_cast<size_t>(at[0])] += static_cast<Accumulator<T>>(in[static_cast<size_t>(i)]);
      });
  const auto out = y.out<T>();
  for (size_t i = 0; i < out.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      out[i] = static_cast<T>(sums[i] / static_cast<double>(count));
    } else {
      out[i] = static_cast<T>(static_cast<int64_t>(sums[i]) / count);
    }
  }
}

absl::Status EvaluateReduction(const EvalContext& c, bool mean) {
  WEFT_ASSIGN_OR_RETURN(const auto axes, ReducedAxes(c.attributes, c.in(0).rank()));
  const Dims dims(c.in(0).dims.begin(), c.in(0).dims.end());
  const Dims summed = WithoutAxes(dims, axes, /*keep=*/true);
  int64_t count = 1;
  for (int64_t axis : axes) count *= mean ? dims[static_cast<size_t>(axis)] : 1;
  if (count == 0 && c.out().size() > 0 && !kFloatTypes.contains(c.out().dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the mean of no integers: data has dims ", ToString(dims)));
  }
  VisitNumeric(c.out().dtype,
               [&](auto zero) { SumInto<decltype(zero)>(c.in(0), summed, c.out(), count); });
  return absl::OkStatus();
}

absl::Status EvaluateReduceSum(const EvalContext& c) { return EvaluateReduction(c, false); }
absl::Status EvaluateReduceMean(const EvalContext& c) { return EvaluateReduction(c, true); }

// A reduction's cotangent, one copy for every element that was summed.
Value ExpandReduced(GradientContext& c, Value cotangent) {
  const auto axes = ReducedAxes(c.attributes(), c.x().type().rank());
  if (!axes.ok()) return c.Fail(axes.status());
  const bool kept = GetInt(c.attributes(), "keepdims", 1) != 0;
  AttributeMap attributes;
  if (!kept) attributes.emplace("axes", *axes);
  return c.Op("ExpandLike", {cotangent, c.x()}, std::move(attributes));
}

InputGradients ReduceSumGradient(GradientContext& c) { return {ExpandReduced(c, c.dy())}; }

// dx = dy / n, where n = size(x) / size(y) elements were averaged into one.
InputGradients ReduceMeanGradient(GradientContext& c) {
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

absl::StatusOr<std::vector<TensorType>> InferReduceToLike(const InferContext& c) {
  if (!BroadcastsTo(c.type(1).shape, c.type(0).shape)) {
    return absl::InvalidArgumentError(absl::StrCat("expected `like` to broadcast to X, got like ",
                                                   ToString(c.type(1).shape), " and X ",
                                                   ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

absl::Status EvaluateReduceToLike(const EvalContext& c) {
  VisitNumeric(c.out().dtype,
               [&](auto zero) { SumInto<decltype(zero)>(c.in(0), c.out().dims, c.out(), 1); });
  return absl::OkStatus();
}

InputGradients ReduceToLikeGradient(GradientContext& c) {
  return {c.Op("ExpandLike", {c.dy(), c.x()}), Value()};
}

// The axes of `like` that X lacks, sorted: none where the attribute is absent.
absl::StatusOr<std::vector<int64_t>> InsertedAxes(const AttributeMap& attributes, int rank) {
  return NormalizeAxes(GetInts(attributes, "axes"), rank);
}

absl::StatusOr<std::vector<TensorType>> InferExpandLike(const InferContext& c) {
  const Shape& like = c.type(1).shape;
  WEFT_ASSIGN_OR_RETURN(const auto axes, InsertedAxes(c.attributes(), c.type(1).rank()));
  const Shape rest = WithoutAxes(like, axes, /*keep=*/false);
  if (!BroadcastsTo(c.type(0).shape, rest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected X to broadcast to ", ToString(rest), " (`like` is ", ToString(like),
                     ", axes ", ToString(axes), "), got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, like}};
}

absl::Status EvaluateExpandLike(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const auto axes, InsertedAxes(c.attributes, c.out().rank()));
  const Dims dims(c.out().dims.begin(), c.out().dims.end());
  const Dims rest = WithoutAxes(dims, axes, /*keep=*/false);
  // X's strides along the axes of `rest`, and 0 along the inserted ones.
  std::vector<int64_t> strides = BroadcastStrides(c.in(0).dims, rest);
  for (int64_t axis : axes) strides.insert(strides.begin() + axis, 0);
  VisitDType(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    ForEachOffset<1>(dims, {strides}, [&](int64_t i, const std::array<int64_t, 1>& at) {
      y[static_cast<size_t>(i)] = x[static_cast<size_t>(at[0])];
    });
  });
  return absl::OkStatus();
}

InputGradients ExpandLikeGradient(GradientContext& c) {
  const auto axes = InsertedAxes(c.attributes(), c.y().type().rank());
  if (!axes.ok()) return {c.Fail(axes.status()), Value()};
  Value dx = c.dy();
  if (!axes->empty()) dx = c.Op("ReduceSum", {dx}, {{"axes", *axes}, {"keepdims", 0}});
  return {SumToLike(c, dx, c.x()), Value()};
}

Cost InputFlops(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(0))}; }

OpDef Reduction(std::string_view name, std::string_view doc, GradientFn gradient,
                EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"data", kSignedTypes}},
          .outputs = {{"reduced"}},
          .attributes = {{.name = "axes", .kind = Attribute::Kind::kInts},
                         {.name = "keepdims", .fallback = 1}},
          .infer = InferReduce,
          .gradient = gradient,
          .evaluate = evaluate,
          .cost = InputFlops};
}

InputSpec Like() {
  return {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true};
}

}  // namespace

std::vector<OpDef> ReduceOps() {
  return {
      Reduction("ReduceSum",
                "The sum of data over `axes` (absent: all), which stay as 1 if keepdims.",
                ReduceSumGradient, EvaluateReduceSum),
      Reduction("ReduceMean",
                "The mean of data over `axes` (absent: all), which stay as 1 if keepdims. Means of "
                "integers are cut towards zero.",
                ReduceMeanGradient, EvaluateReduceMean),
      {.name = "ReduceToLike",
       .doc = "The sum of X over the axes along which `like` broadcasts to X's shape: the gradient "
              "of broadcasting. The result has like's shape.",
       .inputs = {{"X", kSignedTypes}, Like()},
       .infer = InferReduceToLike,
       .gradient = ReduceToLikeGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateReduceToLike,
       .cost = InputFlops},
      {.name = "ExpandLike",
       .doc = "X broadcast to like's shape, after axes of size 1 were inserted so that they become "
              "`axes` of like: the gradient of a reduction.",
       .inputs = {{"X", kAllTypes}, Like()},
       .attributes = {{.name = "axes", .kind = Attribute::Kind::kInts}},
       .infer = InferExpandLike,
       .gradient = ExpandLikeGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateExpandLike,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
