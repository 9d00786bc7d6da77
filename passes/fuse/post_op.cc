#include "passes/fuse/post_op.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"

namespace weft {
namespace {

// Each one copies those before it.
constexpr size_t kMostPostOps = 64;

}  // namespace

Pattern ConvProduct() {
  return OneOf({"Conv", "ConvTranspose", "FusedConv", "FusedConvTranspose"}).As("product");
}

Pattern MatrixProduct() {
  return OneOf({"Gemm", "MatMul", "FusedGemm", "FusedMatMul"}).As("product");
}

Condition TakesPostOps(const Match& m) {
  const Value product = m["product"];
  const size_t posts = GetPostOps(product.node->attributes(), "post_ops").size();
  return All(
      {HasSingleReader(m, "product"),
       Unless(posts >= kMostPostOps, absl::StrCat(product.ToString(), " has ", posts, " post-ops")),
       Unless(!kFloatTypes.contains(product.type().dtype),
              absl::StrCat(product.ToString(), " is ", ToString(product.type()),
                           ", not of floating point"))});
}

Value WithPostOp(const Match& m, Rewriter& r, PostOp post, Value operand) {
  const Node& product = *m.node("product");
  const OpDef& fused = *FusedFormOf(product.op_name());
  AttributeMap attributes = product.attributes();
  std::vector<Value> inputs(product.inputs().begin(), product.inputs().end());
  if (operand) {
    const auto first = static_cast<size_t>(FirstOperandOf(fused));
    if (inputs.size() < first) inputs.resize(first);  // no bias
    post.input = static_cast<int64_t>(inputs.size());
    inputs.push_back(operand);
  }
  std::vector<PostOp> post_ops = GetPostOps(attributes, "post_ops");
  post_ops.push_back(std::move(post));
  attributes.insert_or_assign("post_ops", std::move(post_ops));
  return r.OpAs(product.name(), fused.name, std::move(inputs), std::move(attributes));
}

}  // namespace weft
