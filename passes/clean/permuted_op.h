#ifndef WEFT_PASSES_CLEAN_PERMUTED_OP_H_
#define WEFT_PASSES_CLEAN_PERMUTED_OP_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "passes/clean/moves.h"

namespace weft {

// The node that does what another does, with the axes of its operands and results in another order.
// Orders are those of a Transpose back: a value v of the node is Transpose(v', perm) of the value
// v' of this one, so that axis i of v is axis perm[i] of v'.
struct PermutedOp {
  std::string op;
  AttributeMap attributes;
  // Of each input; empty: it is read as it is. One longer than the rank of v speaks of v with axes
  // of one element before its own, as broadcasting sees it.
  std::vector<Permutation> inputs;
  std::map<int, Tensor> arguments;  // constants in the place of inputs, or behind them
  Permutation output;               // of every output
};

// `node` where `perm` orders the axes that it works on: those of its result or, for an op that
// takes axes away or adds some, of its first input. Nothing where the op ties a meaning to places
// (Conv's channels), or to arguments that only a run knows.
std::optional<PermutedOp> PermutedBy(const Node& node, const Permutation& perm);

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_PERMUTED_OP_H_
