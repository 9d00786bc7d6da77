#ifndef WEFT_OPS_ELEMENTWISE_H_
#define WEFT_OPS_ELEMENTWISE_H_

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "ops/broadcast.h"
#include "ops/common.h"

// What the element-wise ops of several inputs share: NumPy's broadcasting, in inference and in
// reference loops. A bool is read and written as a byte, since a tensor from outside may hold bytes
// other than 0 and 1, which a C++ bool may not.

namespace weft {

inline constexpr DTypeSet kIntegerTypes = {DType::kI8,  DType::kU8,  DType::kI16, DType::kU16,
                                           DType::kI32, DType::kU32, DType::kI64, DType::kU64};
// What arithmetic of pairs of elements takes. Narrower integers fit one of these; u64 fits none but
// itself.
inline constexpr DTypeSet kArithmeticTypes = {DType::kF32, DType::kF64, DType::kI32,
                                              DType::kI64, DType::kU8,  DType::kU64};

// The three types that between them hold the values of every other.
inline constexpr DTypeSet kWidestTypes = {DType::kF64, DType::kI64, DType::kU64};
inline DType WidestOf(DType dtype) {
  if (kRealTypes.contains(dtype)) return DType::kF64;
  return dtype == DType::kU64 ? DType::kU64 : DType::kI64;
}

// The shape that the inputs from `first` on broadcast to. Errors: shapes that disagree, no inputs.
absl::StatusOr<Shape> BroadcastOfInputs(const InferContext& c, int first = 0);
// Inference: the first input's dtype, or bool, in the shape that all inputs broadcast to.
absl::StatusOr<std::vector<TensorType>> InferBroadcast(const InferContext& c);
absl::StatusOr<std::vector<TensorType>> InferComparison(const InferContext& c);

// `view` converted to `dtype`: itself where it is of that type, a copy kept in `memory` otherwise.
absl::StatusOr<TensorView> ConvertedView(const TensorView& view, DType dtype, Tensor& memory);

// Integer arithmetic wraps around, as in NumPy: it is done in the unsigned type, where that is
// defined.
template <typename T, typename F>
T Wrapping(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(f(static_cast<U>(a), static_cast<U>(b))));
  } else {
    return f(a, b);
  }
}

// y = f(a, b) for each element of the output, the first two inputs being broadcast to it.
template <typename A, typename B, typename Y, typename F>
void ForEachPair(const EvalContext& c, F f) {
  const auto a = c.in(0).in<A>();
  const auto b = c.in(1).in<B>();
  const auto y = c.out().out<Y>();
  const Dims dims(c.out().dims.begin(), c.out().dims.end());
  // Rows as long as can be: the 3x3 taps of weights that are scaled by channel are rows of three.
  const Loops loops =
      MergeAxes(dims, {BroadcastStrides(c.in(0).dims, dims), BroadcastStrides(c.in(1).dims, dims)});
  ForEachOffset<2>(loops.dims, {loops.strides[0], loops.strides[1]},
                   [&](int64_t i, const std::array<int64_t, 2>& at) {
                     y[static_cast<size_t>(i)] = static_cast<Y>(
                         f(a[static_cast<size_t>(at[0])], b[static_cast<size_t>(at[1])]));
                   });
}

// The definition of an op for which the order of its two inputs does not matter.
inline OpDef Commutative(OpDef def) {
  def.traits.commutative = true;
  return def;
}

// An error where a divisor of integers, the second input, holds a zero and anything is divided.
template <typename T>
absl::Status CheckDivisors(const EvalContext& c) {
  if constexpr (std::is_integral_v<T>) {
    const auto b = c.in(1).in<T>();
    const auto zero = std::find(b.begin(), b.end(), T{0});
    if (zero != b.end() && c.out().size() > 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "integer division by zero: element ", zero - b.begin(), " of B is 0, expected none"));
    }
  }
  return absl::OkStatus();
}

}  // namespace weft

#endif  // WEFT_OPS_ELEMENTWISE_H_
