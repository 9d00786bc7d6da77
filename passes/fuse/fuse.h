#ifndef WEFT_PASSES_FUSE_FUSE_H_
#define WEFT_PASSES_FUSE_FUSE_H_

#include "passes/passes.h"

namespace weft {

// What a kernel does to its result while that is in the cache: of Conv and ConvTranspose, and of
// Gemm and MatMul. One file for each kind of post-op.
Pass FuseConvActivation();
Pass FuseGemmActivation();
Pass FuseConvAdd();
Pass FuseGemmAdd();
Pass FuseConvMul();
Pass FuseGemmMul();

}  // namespace weft

#endif  // WEFT_PASSES_FUSE_FUSE_H_
