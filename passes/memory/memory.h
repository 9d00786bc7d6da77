#ifndef WEFT_PASSES_MEMORY_MEMORY_H_
#define WEFT_PASSES_MEMORY_MEMORY_H_

#include "passes/passes.h"

namespace weft {

// What a step need not keep in memory. These take time for that and run on request only.
Pass RecomputeNormalization();

}  // namespace weft

#endif  // WEFT_PASSES_MEMORY_MEMORY_H_
