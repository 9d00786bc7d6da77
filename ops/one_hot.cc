#include <algorithm>
#include <cmath>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

bool IsScalar(const Shape& shape) {
  return shape.empty() || (shape.size() == 1 && shape[0] == Dim(1));
}

// The depth, a whole number of at least 1 in any numeric type.
absl::StatusOr<int64_t> DepthOf(const Tensor& depth) {
  const double value = depth.At(0);
  if (!(value >= 1 && value <= static_cast<double>(kMaxElements)) || value != std::floor(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a depth of at least 1, a whole number, got ", value));
  }
  return static_cast<int64_t>(value);
}

absl::StatusOr<std::vector<TensorType>> InferOneHot(const InferContext& c) {
  const Shape& indices = c.type(0).shape;
  if (!IsScalar(c.type(1).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a scalar depth, got ", ToString(c.type(1))));
  }
  if (c.type(2).rank() != 1 || (c.type(2).dim(0).is_static() && c.type(2).dim(0) != Dim(2))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected values [off,on], two elements, got ", ToString(c.type(2))));
  }
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.attributes(), "axis", -1),
                                                      static_cast<int>(indices.size()) + 1));
  Dim depth = c.FreshDim("depth");
  if (const Tensor* constant = c.constant(1)) {
    WEFT_ASSIGN_OR_RETURN(depth, DepthOf(*constant));
  }
  TensorType type{c.type(2).dtype, indices};
  type.shape.insert(type.shape.begin() + axis, depth);
  return std::vector<TensorType>{std::move(type)};
}

absl::Status EvaluateOneHot(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes, "axis", -1), c.out().rank()));
  const int64_t depth = c.out().dim(axis);
  int64_t inner = 1;
  for (int i = axis + 1; i < c.out().rank(); ++i) inner *= c.out().dim(i);
  VisitWidth(c.out().dtype, [&](auto word) {
    using Word = decltype(word);
    const auto* values = static_cast<const Word*>(c.in(2).data);
    auto* y = static_cast<Word*>(c.out().data);
    std::fill_n(y, c.out().size(), values[0]);
    for (int64_t i = 0; i < c.in(0).size(); ++i) {
      double at = std::trunc(c.in(0).At(i));
      if (at < 0) at += static_cast<double>(depth);
      if (!(at >= 0 && at < static_cast<double>(depth))) continue;
      y[(i / inner * depth + static_cast<int64_t>(at)) * inner + i % inner] = values[1];
    }
  });
  return absl::OkStatus();
}

// dvalues = [sum of dY where off, sum of dY where on].
InputGradients OneHotGradient(GradientContext& c) {
  InputGradients dx(3);
  if (!c.needs(2)) return dx;
  const DType dtype = c.x(2).type().dtype;
  Value sums;
  for (double on : {0.0, 1.0}) {
    const std::vector<double> unit = {1 - on, on};
    const auto tensor = Tensor::FromValues<double>({2}, unit);
    const auto converted = tensor.ok() ? tensor->Converted(dtype) : tensor;
    if (!converted.ok()) return {c.Fail(converted.status())};
    const Value selected = c.Constant(*converted);
    const Value mask =
        c.Op("OneHot", {c.x(0), c.x(1), selected}, {{"axis", GetInt(c.attributes(), "axis", -1)}});
    const Value sum = c.Op("ReduceSum", {c.Op("Mul", {c.dy(), mask})}, {{"keepdims", 0}});
    const Value placed = c.Op("Mul", {selected, sum});
    sums = sums.null() ? placed : c.Op("Add", {sums, placed});
  }
  dx[2] = sums;
  return dx;
}

}  // namespace

std::vector<OpDef> OneHotOps() {
  return {{.name = "OneHot",
           .doc = "values[1] where the new `axis`, of `depth` places, is at the index, and "
                  "values[0] elsewhere. Negative indices count from the end; one outside "
                  "[-depth,depth) gives values[0] only.",
           .inputs = {{.name = "indices", .dtypes = kNumericTypes, .type_variable = 'I'},
                      {.name = "depth", .dtypes = kNumericTypes, .type_variable = 'D'},
                      {.name = "values", .dtypes = kAllTypes}},
           .attributes = {{.name = "axis", .fallback = -1}},
           .infer = InferOneHot,
           .gradient = OneHotGradient,
           .non_differentiable_inputs = {0, 1},
           .evaluate = EvaluateOneHot,
           .cost = NoArithmetic}};
}

}  // namespace weft
