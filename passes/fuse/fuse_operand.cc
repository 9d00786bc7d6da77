// A value that is added to a convolution's or a matrix product's result, or multiplied by it,
// becomes an input: a residual connection, a scale for each channel or each pixel.
//
//   conv(x, w, b) + z  =>  fused(x, w, b, z) {post_ops=[Add(3)]}   with z of the result's type,
//   z * gemm(a, b)     =>  fused(a, b, -, z) {post_ops=[Mul(3)]}   or broadcast to it
//
// A Relu after it follows by fuse_conv_activation.

#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/broadcast.h"
#include "passes/fuse/fuse.h"
#include "passes/fuse/post_op.h"

namespace weft {
namespace {

Condition BroadcastsToProduct(const Match& m) {
  const Value z = m["z"], product = m["product"];
  return Unless(
      !BroadcastsTo(z.type().shape, product.type().shape),
      absl::StrCat(z.ToString(), " is ", ToString(z.type()), ", which does not broadcast to ",
                   product.ToString(), ", ", ToString(product.type())));
}

Condition FuseOperandHolds(const Match& m) {
  return All({TakesPostOps(m), BroadcastsToProduct(m)});
}

std::vector<Value> FuseOperandReplace(const Match& m, Rewriter& r) {
  return {WithPostOp(m, r, {.op = std::string(m.root()->op_name())}, m["z"])};
}

Pass FuseOperand(std::string_view name, std::string_view doc, const char* op, Pattern product) {
  return ToPass({.name = name,
                 .doc = doc,
                 .pattern = Op(op, {std::move(product), Any().As("z")}),
                 .conditions = FuseOperandHolds,
                 .rewrite = FuseOperandReplace});
}

}  // namespace

Pass FuseConvAdd() {
  return FuseOperand("fuse_conv_add", "add to a convolution's result while it is in the cache",
                     "Add", ConvProduct());
}

Pass FuseConvMul() {
  return FuseOperand("fuse_conv_mul", "scale a convolution's result while it is in the cache",
                     "Mul", ConvProduct());
}

Pass FuseGemmAdd() {
  return FuseOperand("fuse_gemm_add", "add to a matrix product's result while it is in the cache",
                     "Add", MatrixProduct());
}

Pass FuseGemmMul() {
  return FuseOperand("fuse_gemm_mul", "scale a matrix product's result while it is in the cache",
                     "Mul", MatrixProduct());
}

}  // namespace weft
