#include <algorithm>
#include <cstring>

#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

// Gather, GatherElements and GatherND, and the gradients of the first and the last.

namespace weft {
namespace {

absl::StatusOr<Shape> GatherShape(const InferContext& c, const Shape& data) {
  WEFT_ASSIGN_OR_RETURN(
      const int axis, NormalizeAxis(GetInt(c.attributes(), "axis"), static_cast<int>(data.size())));
  const Shape& indices = c.type(1).shape;
  Shape shape(data.begin(), data.begin() + axis);
  shape.insert(shape.end(), indices.begin(), indices.end());
  shape.insert(shape.end(), data.begin() + axis + 1, data.end());
  return shape;
}

absl::StatusOr<Shape> GatherNDShape(const InferContext& c, const Shape& data) {
  return TupleRowsShape(data, c.type(1).shape, GetInt(c.attributes(), "batch_dims"));
}

using ShapeFn = absl::StatusOr<Shape> (*)(const InferContext&, const Shape&);

template <ShapeFn shape_of>
absl::StatusOr<std::vector<TensorType>> InferTake(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, shape_of(c, c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

// dY must be as a gathering from `like` gives it.
template <ShapeFn shape_of>
absl::StatusOr<std::vector<TensorType>> InferTakeGrad(const InferContext& c) {
  const Shape& like = c.type(2).shape;
  WEFT_ASSIGN_OR_RETURN(const Shape shape, shape_of(c, like));
  if (DimsDiffer(shape, c.type(0).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected dY ", ToString(shape), " for data ", ToString(like), " and indices ",
                     ToString(c.type(1).shape), ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, like}};
}

absl::StatusOr<std::vector<TensorType>> InferGatherElements(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(
      CheckElementIndices(c.type(0).shape, c.type(1).shape, GetInt(c.attributes(), "axis")));
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

// --- Reference kernels ---

// Row r of the output is the slice that its index names.
absl::Status Take(const EvalContext& c, std::string_view op) {
  WEFT_ASSIGN_OR_RETURN(const IndexMap map, IndexMapOf(op, c));
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> slots, ResolveAll(map));
  const size_t bytes = static_cast<size_t>(map.width) * SizeOf(c.out().dtype);
  const auto* data = static_cast<const std::byte*>(c.in(0).data);
  auto* y = static_cast<std::byte*>(c.out().data);
  for (int64_t r = 0; r < map.batches * map.rows; ++r) {
    const int64_t slice = slots[static_cast<size_t>(r % map.rows)] + r / map.rows * map.slices;
    std::memcpy(y + static_cast<size_t>(r) * bytes, data + static_cast<size_t>(slice) * bytes,
                bytes);
  }
  return absl::OkStatus();
}

// Zeros, to each slice of which its rows of dY are added.
absl::Status AddBack(const EvalContext& c, std::string_view op) {
  WEFT_ASSIGN_OR_RETURN(const IndexMap map, IndexMapOf(op, c));
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> slots, ResolveAll(map));
  std::vector<double> sums(static_cast<size_t>(c.out().size()), 0);
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    for (int64_t r = 0; r < map.batches * map.rows; ++r) {
      const int64_t slice = slots[static_cast<size_t>(r % map.rows)] + r / map.rows * map.slices;
      for (int64_t i = 0; i < map.width; ++i) {
        sums[static_cast<size_t>(slice * map.width + i)] +=
            dy[static_cast<size_t>(r * map.width + i)];
      }
    }
    std::transform(sums.begin(), sums.end(), c.out().out<T>().begin(),
                   [](double sum) { return static_cast<T>(sum); });
  });
}

absl::Status EvaluateGather(const EvalContext& c) { return Take(c, "Gather"); }
absl::Status EvaluateGatherND(const EvalContext& c) { return Take(c, "GatherND"); }
absl::Status EvaluateGatherElements(const EvalContext& c) { return Take(c, "GatherElements"); }
absl::Status EvaluateGatherGrad(const EvalContext& c) { return AddBack(c, "GatherGrad"); }
absl::Status EvaluateGatherNDGrad(const EvalContext& c) { return AddBack(c, "GatherNDGrad"); }

// --- Gradients: all are linear in the data ---

InputGradients GatherGradient(GradientContext& c) {
  return {c.Op("GatherGrad", {c.dy(), c.x(1), c.x(0)}, {{"axis", GetInt(c.attributes(), "axis")}})};
}

InputGradients GatherGradGradient(GradientContext& c) {
  return {c.Op("Gather", {c.dy(), c.x(1)}, {{"axis", GetInt(c.attributes(), "axis")}})};
}

InputGradients GatherNDGradient(GradientContext& c) {
  return {c.Op("GatherNDGrad", {c.dy(), c.x(1), c.x(0)},
               {{"batch_dims", GetInt(c.attributes(), "batch_dims")}})};
}

InputGradients GatherNDGradGradient(GradientContext& c) {
  return {
      c.Op("GatherND", {c.dy(), c.x(1)}, {{"batch_dims", GetInt(c.attributes(), "batch_dims")}})};
}

InputGradients GatherElementsGradient(GradientContext& c) {
  return {c.Op("ScatterElements", {ZerosLike(c, c.x()), c.x(1), c.dy()},
               {{"axis", GetInt(c.attributes(), "axis")}, {"reduction", "add"}})};
}

Cost AdditionPerInput(const CostContext& c) {
  return {.flops = static_cast<double>(c.InputSize(0))};
}

InputSpec Indices() { return {.name = "indices", .dtypes = kIndexTypes, .type_variable = 'I'}; }

InputSpec Like() {
  return {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true};
}

}  // namespace

std::vector<OpDef> GatherOps() {
  return {
      {.name = "Gather",
       .doc = "Slices of data along `axis`: Y[a.., i.., b..] = data[a.., indices[i..], b..]. "
              "Negative indices count from the end.",
       .inputs = {{"data", kAllTypes}, Indices()},
       .attributes = {{.name = "axis", .fallback = 0}},
       .infer = InferTake<GatherShape>,
       .gradient = GatherGradient,
       .evaluate = EvaluateGather,
       .cost = NoArithmetic},
      {.name = "GatherGrad",
       .doc = "The gradient of Gather in its data: zeros of like's shape, with every slice of dY "
              "added where it came from, in order.",
       .inputs = {{"dY"}, Indices(), Like()},
       .outputs = {{"dX"}},
       .attributes = {{.name = "axis", .fallback = 0}},
       .infer = InferTakeGrad<GatherShape>,
       .gradient = GatherGradGradient,
       .evaluate = EvaluateGatherGrad,
       .cost = AdditionPerInput},
      {.name = "GatherElements",
       .doc = "One element of data for each index: for axis 1, Y[i,j] = data[i, indices[i,j]]. Y "
              "has the shape of indices, which may be smaller than data along the other axes.",
       .inputs = {{"data", kAllTypes}, Indices()},
       .attributes = {{.name = "axis", .fallback = 0}},
       .infer = InferGatherElements,
       .gradient = GatherElementsGradient,
       .evaluate = EvaluateGatherElements,
       .cost = NoArithmetic},
      {.name = "GatherND",
       .doc = "Slices of data named by tuples along the last axis of indices: Y[b.., i.., c..] = "
              "data[b.., indices[b.., i.., :], c..], with b the first batch_dims axes.",
       .inputs = {{"data", kAllTypes}, Indices()},
       .attributes = {{.name = "batch_dims", .fallback = 0}},
       .infer = InferTake<GatherNDShape>,
       .gradient = GatherNDGradient,
       .evaluate = EvaluateGatherND,
       .cost = NoArithmetic},
      {.name = "GatherNDGrad",
       .doc = "The gradient of GatherND in its data: zeros of like's shape, with every slice of dY "
              "added where it came from, in order.",
       .inputs = {{"dY"}, Indices(), Like()},
       .outputs = {{"dX"}},
       .attributes = {{.name = "batch_dims", .fallback = 0}},
       .infer = InferTakeGrad<GatherNDShape>,
       .gradient = GatherNDGradGradient,
       .evaluate = EvaluateGatherNDGrad,
       .cost = AdditionPerInput},
  };
}

}  // namespace weft
