#ifndef WEFT_PASSES_COMBINE_COMBINE_H_
#define WEFT_PASSES_COMBINE_COMBINE_H_

#include "passes/passes.h"

namespace weft {

// Several convolutions that become one, or one that becomes several cheaper ones.
// One file each.
Pass Fold1x1();
Pass SplitLowRank();  // lossy

}  // namespace weft

#endif  // WEFT_PASSES_COMBINE_COMBINE_H_
