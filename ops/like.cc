#include "ops/families.h"
#include "ops/reduce.h"

// The ops by which gradients follow broadcasting: sums to the shape of another value, copies to it.

namespace weft {
namespace {

// The first input, summed to the shape of input `like`.
absl::StatusOr<std::vector<TensorType>> ReducedToLike(const InferContext& c, int like) {
  const TensorType& x = c.type(0);
  const Shape& shape = c.type(like).shape;
  if (!MayBroadcastTo(shape, x.shape)) {
    return absl::InvalidArgumentError(absl::StrCat("expected `like` to broadcast to X, got like ",
                                                   ToString(shape), " and X ", ToString(x.shape)));
  }
  return std::vector<TensorType>{{x.dtype, shape}};
}

absl::StatusOr<std::vector<TensorType>> InferReduceToLike(const InferContext& c) {
  return ReducedToLike(c, 1);
}

absl::Status EvaluateReduceToLike(const EvalContext& c) {
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto sums = SumsInto<T>(c.in(0), c.out().dims);
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(sums[i]);
  });
}

absl::StatusOr<std::vector<TensorType>> InferMulReduceToLike(const InferContext& c) {
  if (!MayBeEqual(c.type(0).shape, c.type(1).shape)) {
    return absl::InvalidArgumentError(absl::StrCat("expected A and B of one shape, got ",
                                                   ToString(c.type(0).shape), " and ",
                                                   ToString(c.type(1).shape)));
  }
  return ReducedToLike(c, 2);
}

absl::Status EvaluateMulReduceToLike(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(static_cast<size_t>(c.out().size()), 0.0);
    const auto a = c.in(0).in<T>(), b = c.in(1).in<T>();
    ForEachOffset<1>(c.in(0).dims, {BroadcastStrides(c.out().dims, c.in(0).dims)},
                     [&](int64_t i, const std::array<int64_t, 1>& at) {
                       const auto e = static_cast<size_t>(i);
                       sums[static_cast<size_t>(at[0])] += static_cast<double>(a[e]) * b[e];
                     });
    std::copy(sums.begin(), sums.end(), c.out().out<T>().begin());
  });
}

InputGradients MulReduceToLikeGradient(GradientContext& c) {
  InputGradients dx(3);
  if (c.needs(0)) dx[0] = c.Op("Mul", {c.x(1), c.dy()});
  if (c.needs(1)) dx[1] = c.Op("Mul", {c.x(0), c.dy()});
  return dx;
}

Cost TwiceInputFlops(const CostContext& c) {
  return {.flops = 2.0 * static_cast<double>(c.InputSize(0))};
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
  if (!MayBroadcastTo(c.type(0).shape, rest)) {
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
  VisitWidth(c.out().dtype, [&](auto word) {
    const auto* x = static_cast<const decltype(word)*>(c.in(0).data);
    auto* y = static_cast<decltype(word)*>(c.out().data);
    ForEachOffset<1>(dims, {strides},
                     [&](int64_t i, const std::array<int64_t, 1>& at) { y[i] = x[at[0]]; });
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

InputSpec Like() {
  return {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true};
}

}  // namespace

std::vector<OpDef> LikeOps() {
  return {
      {.name = "ReduceToLike",
       .doc = "The sum of X over the axes along which `like` broadcasts to X's shape: the gradient "
              "of broadcasting. The result has like's shape.",
       .inputs = {{"X", kSignedTypes}, Like()},
       .infer = InferReduceToLike,
       .gradient = ReduceToLikeGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateReduceToLike,
       .cost = InputFlops},
      {.name = "MulReduceToLike",
       .doc = "The sum of A * B, of one shape, over the axes along which `like` broadcasts to "
              "theirs: the gradient of a factor that was broadcast. The result has like's shape.",
       .inputs = {{"A"}, {"B"}, Like()},
       .infer = InferMulReduceToLike,
       .gradient = MulReduceToLikeGradient,
       .non_differentiable_inputs = {2},
       .evaluate = EvaluateMulReduceToLike,
       .cost = TwiceInputFlops},
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
