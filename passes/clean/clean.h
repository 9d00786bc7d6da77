#ifndef WEFT_PASSES_CLEAN_CLEAN_H_
#define WEFT_PASSES_CLEAN_CLEAN_H_

#include "passes/passes.h"

namespace weft {

// What makes any graph smaller without changing what it computes: dead nodes, ops that do nothing,
// constants that can be computed, nodes that compute the same.
// One file each.
Pass RemoveDead();
Pass RemoveIdentity();
Pass RemoveOnes();
Pass FoldConstants();
Pass MergeCommon();

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_CLEAN_H_
