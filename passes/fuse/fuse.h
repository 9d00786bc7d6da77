#ifndef WEFT_PASSES_FUSE_FUSE_H_
#define WEFT_PASSES_FUSE_FUSE_H_

#include "passes/passes.h"

namespace weft {

// What a kernel does to its result while that is in the cache.
// One file each.
Pass FuseConvActivation();
Pass FuseConvAdd();

}  // namespace weft

#endif  // WEFT_PASSES_FUSE_FUSE_H_
