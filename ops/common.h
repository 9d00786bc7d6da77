#ifndef WEFT_OPS_COMMON_H_
#define WEFT_OPS_COMMON_H_

#include <initializer_list>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include "graph/op.h"

// What the definitions of several op families share.

namespace weft {

inline constexpr DTypeSet kSignedTypes = {DType::kF32, DType::kF64, DType::kI32, DType::kI64};

template <typename F>
[[nodiscard]] absl::Status VisitNumeric(DType dtype, F&& f) {
  return VisitDType<kNumericTypes>(dtype, f);
}

// What sums of T are kept in: double for floating point; for integers the unsigned 64-bit integer,
// whose wrap-around is defined and the same as T's after conversion back.
template <typename T>
using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

// Inference: the first output has the first input's type.
absl::StatusOr<std::vector<TensorType>> InferSameAsFirst(const InferContext& c);
// The same, and the second input (the forward's output in gradient ops) must have that type too.
absl::StatusOr<std::vector<TensorType>> InferPairOfOneType(const InferContext& c);

// Aliases: the first output in the memory of whichever of the first two inputs has its type.
std::vector<Alias> InPlaceOfEither(const Node& node);

// An error unless the string attribute `name` is one of `allowed`.
absl::Status CheckOneOf(const AttributeMap& attributes, std::string_view name,
                        std::initializer_list<std::string_view> allowed);

// An error unless the float attribute `name` is a finite number of at least `least`.
absl::Status CheckFinite(const AttributeMap& attributes, std::string_view name,
                         double least = -std::numeric_limits<double>::infinity());

// In a gradient: `value` summed over the axes along which `like` was broadcast to its shape; null
// stays null.
Value SumToLike(GradientContext& c, Value value, Value like);

// Axes normalized to [0, rank) and sorted. Errors: an axis out of range or named twice.
absl::StatusOr<std::vector<int64_t>> NormalizeAxes(std::span<const int64_t> axes, int rank);

// The cost of ops that move no data or only copy it.
Cost NoArithmetic(const CostContext& c);

}  // namespace weft

#endif  // WEFT_OPS_COMMON_H_
