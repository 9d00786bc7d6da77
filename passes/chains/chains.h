#ifndef WEFT_PASSES_CHAINS_CHAINS_H_
#define WEFT_PASSES_CHAINS_CHAINS_H_

#include "passes/passes.h"

namespace weft {

// Element-wise ops that nothing else took, one after the other on what is in the cache. One file
// each.
Pass FuseElementwise();
Pass FuseScaleShift();

}  // namespace weft

#endif  // WEFT_PASSES_CHAINS_CHAINS_H_
