#ifndef WEFT_PASSES_COMBINE_COMBINE_H_
#define WEFT_PASSES_COMBINE_COMBINE_H_

#include "passes/passes.h"

namespace weft {

// Several convolutions that become one, one that becomes several cheaper ones or a matrix product,
// or that computes no more than is read.
// One file each.
Pass MergeBranches();
Pass FoldConvConv();
Pass MoveStrideUp();
Pass SplitLowRank();  // lossy
inline constexpr std::string_view kSplitLowRank = "split_low_rank";
Pass MergeConvs();
Pass ConvToGemm();

}  // namespace weft

#endif  // WEFT_PASSES_COMBINE_COMBINE_H_
