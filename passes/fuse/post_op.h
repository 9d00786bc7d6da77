#ifndef WEFT_PASSES_FUSE_POST_OP_H_
#define WEFT_PASSES_FUSE_POST_OP_H_

#include "passes/rule.h"

// What the rules of this folder share: a product that takes one post-op more.

namespace weft {

// The value called "product" in the rules' patterns.
Pattern ConvProduct();    // Conv, ConvTranspose, or their fused forms
Pattern MatrixProduct();  // Gemm, MatMul, or theirs

// Nobody else reads the product, and its kernels know its dtype.
Condition TakesPostOps(const Match& m);

// The product with `post` after the post-ops that it has, and the name that it has. `operand`: the
// post-op's, or null.
Value WithPostOp(const Match& m, Rewriter& r, PostOp post, Value operand);

}  // namespace weft

#endif  // WEFT_PASSES_FUSE_POST_OP_H_
