#include <algorithm>
#include <numeric>

#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/order.h"

namespace weft {
namespace {

absl::Status CheckK(int64_t k, const Shape& shape, int axis) {
  const Dim& extent = shape[static_cast<size_t>(axis)];
  if (k >= 0 && (!extent.is_static() || k <= extent.coefficient())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected K between 0 and the extent ",
                                                 extent.ToString(), " of axis ", axis, " of X ",
                                                 ToString(shape), ", got ", k));
}

absl::StatusOr<std::vector<TensorType>> InferTopK(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes(), "axis"), c.type(0).rank()));
  const Shape& k = c.type(1).shape;
  if (!k.empty() && k != Shape{Dim(1)}) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected K to be one number, got ", ToString(k)));
  }
  TensorType values = c.type(0);
  Dim& extent = values.shape[static_cast<size_t>(axis)];
  if (const auto constant = KnownInts(c, 1)) {
    WEFT_RETURN_IF_ERROR(CheckK((*constant)[0], values.shape, axis));
    extent = Dim((*constant)[0]);
  } else {
    extent = c.FreshDim("k");
  }
  TensorType indices{DType::kI64, values.shape};
  return std::vector<TensorType>{std::move(values), std::move(indices)};
}

// The k first of `line` in the order, as indices; of equals the lower index comes first.
template <typename T>
void Select(const std::vector<T>& line, bool largest, int64_t k, std::vector<int64_t>& order) {
  order.resize(line.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t a, int64_t b) {
    const T x = line[static_cast<size_t>(a)], y = line[static_cast<size_t>(b)];
    if (NanLargest(x, y, largest)) return true;
    return !NanLargest(y, x, largest) && a < b;
  });
}

absl::Status EvaluateTopK(const EvalContext& c) {
  const TensorView& x = c.in(0);
  const bool largest = GetInt(c.attributes, "largest") != 0;
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.attributes, "axis"), x.rank()));
  WEFT_ASSIGN_OR_RETURN(const Lines from, LinesAlong(x.dims, axis));
  WEFT_ASSIGN_OR_RETURN(const Lines to, LinesAlong(c.out().dims, axis));
  const int64_t k = c.in(1).in<int64_t>()[0];
  WEFT_RETURN_IF_ERROR(CheckK(k, ToShape(x.dims), axis));
  if (k != to.extent) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected K = ", to.extent, ", the extent of Values, got ", k));
  }
  return VisitNumeric(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in = x.in<T>();
    std::vector<T> line(static_cast<size_t>(from.extent));
    std::vector<int64_t> order;
    for (int64_t i = 0; i < from.count(); ++i) {
      for (int64_t j = 0; j < from.extent; ++j) {
        line[static_cast<size_t>(j)] = in[static_cast<size_t>(from.first(i) + j * from.inner)];
      }
      Select(line, largest, k, order);
      for (int64_t j = 0; j < k; ++j) {
        const auto at = static_cast<size_t>(to.first(i) + j * to.inner);
        const int64_t index = order[static_cast<size_t>(j)];
        c.out(0).out<T>()[at] = line[static_cast<size_t>(index)];
        c.out(1).out<int64_t>()[at] = index;
      }
    }
  });
}

// Back to where the values came from; zero elsewhere.
InputGradients TopKGradient(GradientContext& c) {
  const Value zeros = c.Op("ExpandLike", {c.Scalar(0, c.x().type().dtype), c.x()});
  return {c.Op("ScatterElements", {zeros, c.y(1), c.dy(0)}, {{"axis", c.attributes().at("axis")}}),
          Value()};
}

// A comparison with every element, and with the k kept ones for some of them.
Cost TopKFlops(const CostContext& c) {
  return {.flops = 2.0 * static_cast<double>(c.InputSize(0))};
}

}  // namespace

std::vector<OpDef> TopKOps() {
  return {{.name = "TopK",
           .doc = "The K largest (or smallest) elements of X along `axis`, in that order, and "
                  "their indices; of equal ones the lower index comes first. NaN counts as the "
                  "largest. With sorted = 0 any order would do; it is the same.",
           .inputs = {{"X", kNumericTypes}, {"K", {DType::kI64}, Arity::kRequired, ' '}},
           .outputs = {{"Values"}, {"Indices"}},
           .attributes = {{.name = "axis", .fallback = -1},
                          {.name = "largest", .fallback = 1},
                          {.name = "sorted", .fallback = 1}},
           .infer = InferTopK,
           .gradient = TopKGradient,
           .evaluate = EvaluateTopK,
           .cost = TopKFlops}};
}

}  // namespace weft
