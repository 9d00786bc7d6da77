#ifndef WEFT_PASSES_CLEAN_CLEAN_H_
#define WEFT_PASSES_CLEAN_CLEAN_H_

#include <string_view>

#include "passes/passes.h"

namespace weft {

inline constexpr std::string_view kMergeCommon = "merge_common";

// What makes any graph smaller without changing what it computes: dead nodes, ops that do nothing,
// constants that can be computed, nodes that compute the same.
// One file each, or one for a family.
Pass RemoveDead();
Pass RemoveIdentity();
Pass RemoveZeros();
Pass RemoveOnes();
Pass RemoveRepeated();
Pass MergeClips();
Pass MergeCasts();
Pass MergeViews();
Pass DropKeptAxes();
Pass ReductionToReshape();
Pass MergeTransposes();
Pass TransposeToReshape();
Pass CancelTransposes();
Pass JoinPieces();
Pass CutConcat();
Pass FlattenConcats();
Pass DropExpand();
Pass FoldConstants();
Pass MergeCommon();
Pass ClipToRelu();
Pass SumToAdd();
Pass PowToProduct();
Pass InvertConstants();
Pass MergeFactors();
Pass MergeTerms();
Pass NegateFactors();
Pass NegateProducts();
Pass NegateTerms();

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_CLEAN_H_
