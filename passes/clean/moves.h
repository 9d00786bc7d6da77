#ifndef WEFT_PASSES_CLEAN_MOVES_H_
#define WEFT_PASSES_CLEAN_MOVES_H_

#include <vector>

#include "passes/rule.h"

namespace weft {

// What rules about moved elements share.

using Permutation = std::vector<int64_t>;

// The axis of its input that each axis of a Transpose is.
Permutation PermutationOf(const Node& transpose);
// What two Transposes, `first` and then `second`, are together.
Permutation Composed(const Permutation& first, const Permutation& second);
// What undoes it.
Permutation Inverse(const Permutation& permutation);
bool KeepsOrder(const Permutation& permutation);

// The ops that give their first input another shape, and do nothing else.
const std::vector<std::string>& ViewOps();

// Whether `value` is a constant of which every element is `number`.
bool IsFilledWith(Value value, double number);

// The elements of `x` under the root's type: a Reshape to constants that takes the root's name.
// Declines where no constants say that: an empty result, or two dims that only a run knows.
std::vector<Value> ReshapeToRoot(const Match& match, Value x, Rewriter& rewriter);

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_MOVES_H_
