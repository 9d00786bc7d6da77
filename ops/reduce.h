#ifndef WEFT_OPS_REDUCE_H_
#define WEFT_OPS_REDUCE_H_

#include <algorithm>
#include <array>
#include <vector>

#include "ops/broadcast.h"
#include "ops/common.h"

// What the reductions share: the axes they take away, their reference loop, their gradients' way
// back to the shape of the input.

namespace weft {

// The axes a reduction takes away, sorted: the attribute `axes`, or all where that is empty.
absl::StatusOr<std::vector<int64_t>> ReducedAxes(const AttributeMap& attributes, int rank);

// `shape` with the (sorted) axes made 1, or removed.
template <typename Extents>
Extents WithoutAxes(const Extents& shape, const std::vector<int64_t>& axes, bool keep) {
  Extents result;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(axis))) {
      result.push_back(shape[axis]);
    } else if (keep) {
      result.push_back(1);
    }
  }
  return result;
}

// Folds x into one element for each element of `kept`, dims that broadcast to x's: from `first`, by
// f(folded, element, index of the folded one) in row-major order.
template <typename T, typename Folded, typename F>
std::vector<Folded> FoldInto(const TensorView& x, std::span<const int64_t> kept, Folded first,
                             F f) {
  int64_t size = 1;
  for (int64_t d : kept) size *= d;
  std::vector<Folded> folded(static_cast<size_t>(size), first);
  const auto in = x.in<T>();
  ForEachOffset<1>(x.dims, {BroadcastStrides(kept, x.dims)},
                   [&](int64_t i, const std::array<int64_t, 1>& at) {
                     Folded& y = folded[static_cast<size_t>(at[0])];
                     y = static_cast<Folded>(f(y, in[static_cast<size_t>(i)], at[0]));
                   });
  return folded;
}

// The sums of x over the axes along which `kept` is 1.
template <typename T>
std::vector<Accumulator<T>> SumsInto(const TensorView& x, std::span<const int64_t> kept) {
  using Sum = Accumulator<T>;
  return FoldInto<T, Sum>(x, kept, 0,
                          [](Sum sum, T e, int64_t) { return sum + static_cast<Sum>(e); });
}

// The dims of the reduced input with 1 for every axis that goes: what folds go into.
absl::StatusOr<Dims> KeptDims(const EvalContext& c, int input = 0);

// In the gradient of a reduction: a value of the result's shape in one that broadcasts to the
// reduced input's.
Value Unreduced(GradientContext& c, Value value);
// The same, as large as the input.
Value ExpandReduced(GradientContext& c, Value value);
// The reduction's attributes with keepdims = 1.
AttributeMap KeepingAxes(const GradientContext& c);

absl::StatusOr<std::vector<TensorType>> InferReduce(const InferContext& c);

// One operation for an element of the input.
Cost InputFlops(const CostContext& c);

OpDef ReductionOp(std::string_view name, std::string_view doc, DTypeSet dtypes, GradientFn gradient,
                  EvaluateFn evaluate);

}  // namespace weft

#endif  // WEFT_OPS_REDUCE_H_
