#ifndef WEFT_PASSES_LINEAR_LINEAR_H_
#define WEFT_PASSES_LINEAR_LINEAR_H_

#include "passes/passes.h"

namespace weft {

// What becomes part of a linear op's weights and bias: scales and shifts before and after it.
// One file each.
Pass FoldConvBn();
Pass FuseConvBias();

}  // namespace weft

#endif  // WEFT_PASSES_LINEAR_LINEAR_H_
