#include <cmath>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferArgMax(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes(), "axis"), c.type(0).rank()));
  if (c.type(0).dim(axis) == Dim(0)) {
    return absl::InvalidArgumentError(absl::StrCat("expected at least one element along axis ",
                                                   axis, ", got ", ToString(c.type(0).shape)));
  }
  TensorType type{DType::kI64, c.type(0).shape};
  if (GetInt(c.attributes(), "keepdims", 1) != 0) {
    type.shape[static_cast<size_t>(axis)] = 1;
  } else {
    type.shape.erase(type.shape.begin() + axis);
  }
  return std::vector<TensorType>{std::move(type)};
}

template <typename T>
bool IsNan(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(x);
  return false;
}

absl::Status EvaluateArgMax(const EvalContext& c) {
  const TensorView& x = c.in(0);
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.attributes, "axis"), x.rank()));
  const bool last = GetInt(c.attributes, "select_last_index") != 0;
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.dim(i);
  const int64_t n = x.dim(axis);
  const auto y = c.out().out<int64_t>();
  VisitNumeric(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in = x.in<T>();
    for (int64_t i = 0; i < static_cast<int64_t>(y.size()); ++i) {
      const int64_t first = i / inner * n * inner + i % inner;
      const auto at = [&](int64_t k) { return in[static_cast<size_t>(first + k * inner)]; };
      int64_t best = 0;
      for (int64_t k = 1; k < n; ++k) {
        // NaN counts as the largest, as in NumPy and PyTorch.
        const bool larger = IsNan(at(best)) ? false : IsNan(at(k)) || at(k) > at(best);
        const bool equal = IsNan(at(best)) ? IsNan(at(k)) : at(k) == at(best);
        if (larger || (last && equal)) best = k;
      }
      y[static_cast<size_t>(i)] = best;
    }
  });
  return absl::OkStatus();
}

Cost InputFlops(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(0))}; }

}  // namespace

std::vector<OpDef> ArgOps() {
  return {{.name = "ArgMax",
           .doc = "The index of the largest element along `axis`: the first of equal ones, or the "
                  "last if select_last_index. NaN counts as the largest.",
           .inputs = {{"data", kNumericTypes}},
           .outputs = {{"reduced"}},
           .attributes = {{.name = "axis", .fallback = 0},
                          {.name = "keepdims", .fallback = 1},
                          {.name = "select_last_index", .fallback = 0}},
           .infer = InferArgMax,
           .no_gradient = "integer output",
           .evaluate = EvaluateArgMax,
           .cost = InputFlops}};
}

}  // namespace weft
