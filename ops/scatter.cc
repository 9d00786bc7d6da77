#include <algorithm>
#include <cstring>

#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

// ScatterElements and ScatterND, and the gradients of their updates. Where several updates go to
// one place, "none" keeps the last and the reductions take them in order.

namespace weft {
namespace {

absl::Status CheckScatter(const InferContext& c, const Shape& updates) {
  WEFT_ASSIGN_OR_RETURN(const ScatterReduction reduction, ScatterReductionOf(c.attributes()));
  if (reduction != ScatterReduction::kNone && !kNumericTypes.contains(c.type(0).dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected numbers (", kNumericTypes.ToString(), ") for reduction \"",
        GetString(c.attributes(), "reduction"), "\", got ", Absl(ToString(c.type(0).dtype))));
  }
  if (DimsDiffer(c.type(2).shape, updates)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected updates ", ToString(updates), " for data ", ToString(c.type(0).shape),
        " and indices ", ToString(c.type(1).shape), ", got ", ToString(c.type(2).shape)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorType>> InferScatterElements(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(
      CheckElementIndices(c.type(0).shape, c.type(1).shape, GetInt(c.attributes(), "axis")));
  WEFT_RETURN_IF_ERROR(CheckScatter(c, c.type(1).shape));
  return InferSameAsFirst(c);
}

absl::StatusOr<std::vector<TensorType>> InferScatterND(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Shape rows, TupleRowsShape(c.type(0).shape, c.type(1).shape, 0));
  WEFT_RETURN_IF_ERROR(CheckScatter(c, rows));
  return InferSameAsFirst(c);
}

absl::StatusOr<std::vector<TensorType>> InferScatterElementsGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(
      CheckElementIndices(c.type(0).shape, c.type(1).shape, GetInt(c.attributes(), "axis")));
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

absl::StatusOr<std::vector<TensorType>> InferScatterNDGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape rows, TupleRowsShape(c.type(0).shape, c.type(1).shape, 0));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(rows)}};
}

// --- Reference kernels ---

absl::Status Replace(const EvalContext& c, const IndexMap& map, const std::vector<int64_t>& slots) {
  const size_t width = static_cast<size_t>(map.width) * SizeOf(c.out().dtype);
  auto* y = static_cast<std::byte*>(c.out().data);
  std::memmove(y, c.in(0).data, static_cast<size_t>(c.out().size()) * SizeOf(c.out().dtype));
  const auto* updates = static_cast<const std::byte*>(c.in(2).data);
  for (size_t r = 0; r < slots.size(); ++r) {
    if (width > 0)
      std::memcpy(y + static_cast<size_t>(slots[r]) * width, updates + r * width, width);
  }
  return absl::OkStatus();
}

// y = combine(y, update) in the type A, which the elements are kept in until the end.
template <typename T, typename A, typename F>
void Combine(const EvalContext& c, const IndexMap& map, const std::vector<int64_t>& slots,
             F combine) {
  const auto data = c.in(0).in<T>(), updates = c.in(2).in<T>();
  std::vector<A> result(data.begin(), data.end());
  const auto width = static_cast<size_t>(map.width);
  for (size_t r = 0; r < slots.size(); ++r) {
    for (size_t i = 0; i < width; ++i) {
      A& y = result[static_cast<size_t>(slots[r]) * width + i];
      y = combine(y, static_cast<A>(updates[r * width + i]));
    }
  }
  std::transform(result.begin(), result.end(), c.out().out<T>().begin(),
                 [](A y) { return static_cast<T>(y); });
}

absl::Status Scatter(const EvalContext& c, std::string_view op) {
  WEFT_ASSIGN_OR_RETURN(const ScatterReduction reduction, ScatterReductionOf(c.attributes));
  WEFT_ASSIGN_OR_RETURN(const IndexMap map, IndexMapOf(op, c));
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> slots, ResolveAll(map));
  if (reduction == ScatterReduction::kNone) return Replace(c, map, slots);
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    switch (reduction) {
      case ScatterReduction::kNone:
        break;
      case ScatterReduction::kAdd:
        return Combine<T, A>(c, map, slots, [](A y, A u) { return y + u; });
      case ScatterReduction::kMul:
        return Combine<T, A>(c, map, slots, [](A y, A u) { return y * u; });
      // NaN stays: it is not equal to itself.
      case ScatterReduction::kMax:
        return Combine<T, T>(c, map, slots, [](T y, T u) { return u > y || u != u ? u : y; });
      case ScatterReduction::kMin:
        return Combine<T, T>(c, map, slots, [](T y, T u) { return u < y || u != u ? u : y; });
    }
  });
}

// The rows of dY that their updates were the last to be written to, zeros for the others.
absl::Status TakeLast(const EvalContext& c, std::string_view op) {
  WEFT_ASSIGN_OR_RETURN(const IndexMap map, IndexMapOf(op, c));
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> slots, ResolveAll(map));
  std::vector<size_t> writer(static_cast<size_t>(map.slices));
  for (size_t r = 0; r < slots.size(); ++r) writer[static_cast<size_t>(slots[r])] = r;
  const size_t bytes = static_cast<size_t>(map.width) * SizeOf(c.out().dtype);
  const auto* dy = static_cast<const std::byte*>(c.in(0).data);
  auto* to = static_cast<std::byte*>(c.out().data);
  for (size_t r = 0; r < slots.size(); ++r, to += bytes) {
    const auto slot = static_cast<size_t>(slots[r]);
    if (bytes == 0) break;
    if (writer[slot] == r) {
      std::memcpy(to, dy + slot * bytes, bytes);
    } else {
      std::memset(to, 0, bytes);
    }
  }
  return absl::OkStatus();
}

absl::Status EvaluateScatterElements(const EvalContext& c) { return Scatter(c, "ScatterElements"); }
absl::Status EvaluateScatterND(const EvalContext& c) { return Scatter(c, "ScatterND"); }
absl::Status EvaluateScatterElementsGrad(const EvalContext& c) {
  return TakeLast(c, "ScatterElementsGrad");
}
absl::Status EvaluateScatterNDGrad(const EvalContext& c) { return TakeLast(c, "ScatterNDGrad"); }

// --- Gradients ---

// What one of the two ops is called, and what gathers for it. Its attributes besides `reduction`.
struct Names {
  std::string_view scatter, scatter_grad, gather;
};
constexpr Names kElements = {"ScatterElements", "ScatterElementsGrad", "GatherElements"};
constexpr Names kTuples = {"ScatterND", "ScatterNDGrad", "GatherND"};

AttributeMap AxisOf(const GradientContext& c) {
  if (!c.attributes().contains("axis")) return {};
  return {{"axis", GetInt(c.attributes(), "axis")}};
}

Value ScatterNone(GradientContext& c, const Names& names, Value data, Value updates) {
  return c.Op(names.scatter, {data, c.x(1), updates}, AxisOf(c));
}

template <const Names& names>
InputGradients ScatterGradient(GradientContext& c) {
  const std::string reduction = GetString(c.attributes(), "reduction");
  InputGradients dx(3);
  if (reduction == "none") {
    if (c.needs(0)) dx[0] = ScatterNone(c, names, c.dy(), ZerosLike(c, c.x(2)));
    if (c.needs(2)) dx[2] = c.Op(names.scatter_grad, {c.dy(), c.x(1)}, AxisOf(c));
  } else if (reduction == "add") {
    dx[0] = c.dy();
    if (c.needs(2)) dx[2] = c.Op(names.gather, {c.dy(), c.x(1)}, AxisOf(c));
  } else {
    c.Fail(absl::UnimplementedError(absl::StrCat("no gradient for reduction \"", reduction, "\"")));
  }
  return dx;
}

template <const Names& names>
InputGradients ScatterGradGradient(GradientContext& c) {
  return {ScatterNone(c, names, ZerosLike(c, c.x(0)), c.dy())};
}

Cost FlopPerUpdate(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(2))}; }

InputSpec Indices() { return {.name = "indices", .dtypes = kIndexTypes, .type_variable = 'I'}; }

AttributeSpec Axis() { return {.name = "axis", .fallback = 0}; }

AttributeSpec ReductionSpec() {
  return {.name = "reduction", .kind = Attribute::Kind::kString, .fallback = "none"};
}

}  // namespace

std::vector<OpDef> ScatterOps() {
  return {
      {.name = "ScatterElements",
       .doc = "data with one element replaced for each index, or by `reduction` added to, "
              "multiplied with, raised (max) or lowered (min): for axis 1, "
              "Y[i, indices[i,j]] = updates[i,j]. Equal indices take effect in order.",
       .inputs = {{"data", kAllTypes}, Indices(), {"updates", kAllTypes}},
       .attributes = {Axis(), ReductionSpec()},
       .infer = InferScatterElements,
       .gradient = ScatterGradient<kElements>,
       .evaluate = EvaluateScatterElements,
       .cost = FlopPerUpdate,
       .aliases = InPlace},
      {.name = "ScatterElementsGrad",
       .doc = "The gradient of ScatterElements without reduction in its updates: the elements of "
              "dY at the indices, 0 for an update that a later one replaced.",
       .inputs = {{"dY"}, Indices()},
       .outputs = {{"dUpdates"}},
       .attributes = {Axis()},
       .infer = InferScatterElementsGrad,
       .gradient = ScatterGradGradient<kElements>,
       .evaluate = EvaluateScatterElementsGrad,
       .cost = NoArithmetic},
      {.name = "ScatterND",
       .doc = "data with one slice replaced (or by `reduction` combined) for each tuple along the "
              "last axis of indices: Y[indices[i.., :], b..] = updates[i.., b..]. Equal tuples "
              "take effect in order.",
       .inputs = {{"data", kAllTypes}, Indices(), {"updates", kAllTypes}},
       .attributes = {ReductionSpec()},
       .infer = InferScatterND,
       .gradient = ScatterGradient<kTuples>,
       .evaluate = EvaluateScatterND,
       .cost = FlopPerUpdate,
       .aliases = InPlace},
      {.name = "ScatterNDGrad",
       .doc = "The gradient of ScatterND without reduction in its updates: the slices of dY at the "
              "indices, 0 for an update that a later one replaced.",
       .inputs = {{"dY"}, Indices()},
       .outputs = {{"dUpdates"}},
       .infer = InferScatterNDGrad,
       .gradient = ScatterGradGradient<kTuples>,
       .evaluate = EvaluateScatterNDGrad,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
