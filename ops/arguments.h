#ifndef WEFT_OPS_ARGUMENTS_H_
#define WEFT_OPS_ARGUMENTS_H_

#include <optional>
#include <string_view>

#include "graph/op.h"

// Inputs that are lists of integers and decide a shape: the starts of Slice,
// the pads of Pad.

namespace weft {

// An input of the schema: `name`, i32 or i64.
InputSpec IntegerArgument(std::string_view name, Arity arity = Arity::kRequired);

// The length of the list that input `i` is; an error unless it has one axis, of
// known extent, of at most `most` elements.
absl::StatusOr<int64_t> ListLength(const InferContext& c, int i, std::string_view name,
                                   int64_t most = kMaxRank);
// The elements of an input of integers where they are known before a run: a Constant's, or what
// follows from static shapes. nullopt otherwise.
std::optional<Dims> KnownInts(const InferContext& c, int i);
// Those of a Constant of integers.
std::optional<Dims> ConstantInts(Value value);
// A list that decides a shape, `length` elements: what is known of each. Those of which nothing is
// are nullopt.
std::vector<std::optional<Dim>> KnownDims(const InferContext& c, int i, int64_t length);
// The dim where it is known to be one, else a symbol of the node's own for that axis.
Dim DimOr(const InferContext& c, const std::optional<Dim>& known, int64_t axis);
// The same when the op runs; empty for an absent input.
Dims IntsOf(const EvalContext& c, int i);

// Rank and dtype of the first input, with symbols of the node's own for all
// dims: what is known of a result whose shape is an argument that is no
// constant.
TensorType UnknownDims(const InferContext& c, int64_t rank);

// dim + n, where a symbolic result that is no monomial is named by its formula
// ("H+2"). Errors: it overflows 64 bits or is known to be negative.
absl::StatusOr<Dim> PlusConstant(const Dim& dim, int64_t n);
// The sum of the dims, likewise.
absl::StatusOr<Dim> SumOf(std::span<const Dim> dims);

// In a gradient: `value`, which has as many elements as `like` in the same
// order, with like's shape; itself where the types say that it has it. Follows
// symbols.
Value ReshapedLike(GradientContext& c, Value value, Value like);
// Zeros of like's type.
Value ZerosLike(GradientContext& c, Value like);

}  // namespace weft

#endif  // WEFT_OPS_ARGUMENTS_H_
