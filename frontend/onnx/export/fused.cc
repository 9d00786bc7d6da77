#include <algorithm>
#include <cmath>
#include <utility>

#include "frontend/onnx/export/table.h"
#include "ops/ops.h"
#include "ops/post_ops.h"

// Fused ops as what they were fused from: a convolution or a product, then its post-ops one after
// the other.

namespace weft {
namespace {

struct Part {
  std::string op = {};
  std::vector<OnnxOperand> inputs = {};
  std::vector<TensorType> types = {};
  AttributeMap attributes = {};
};

Part ProductOf(const OpExport& e) {
  const OpDef& fused = *StandardOps().Find(e.call().op);
  Part part{.op = std::string(UnfusedFormOf(fused)->name), .attributes = e.attributes()};
  part.attributes.erase("post_ops");
  for (int i = 0; i < std::min(e.num_inputs(), FirstOperandOf(fused)); ++i) {
    part.inputs.push_back(e.in(i));
    part.types.push_back(e.type(i));
  }
  return part;
}

// A Clip with limits as inputs; one that does not bind is absent.
Part ClipOf(const OpExport& e, const PostOp& post, OnnxOperand value) {
  Part part{.op = "Clip", .inputs = {std::move(value)}, .types = {e.result()}};
  const DType dtype = e.result().dtype;
  for (const auto& [name, nothing] : {std::pair{"min", -HUGE_VAL}, {"max", HUGE_VAL}}) {
    const double limit = GetFloat(post.attributes, name, nothing);
    part.inputs.push_back(limit == nothing ? OnnxOperand() : e.Scalar(limit, dtype));
    part.types.push_back({dtype, {}});
  }
  return part;
}

Part PartOf(const OpExport& e, const PostOp& post, OnnxOperand value) {
  if (post.op == "Clip") return ClipOf(e, post, std::move(value));
  Part part{.op = post.op,
            .inputs = {std::move(value)},
            .types = {e.result()},
            .attributes = post.attributes};
  if (post.input >= 0) {
    part.inputs.push_back(e.in(static_cast<int>(post.input)));
    part.types.push_back(e.type(static_cast<int>(post.input)));
  }
  return part;
}

void ExportFused(OpExport& e) {
  Part part = ProductOf(e);
  for (const PostOp& post : GetPostOps(e.attributes(), "post_ops")) {
    const OnnxOperand value = e.Ours(part.op, std::move(part.inputs), std::move(part.types),
                                     std::move(part.attributes), e.result());
    part = PartOf(e, post, value);
  }
  e.LastOurs(part.op, std::move(part.inputs), std::move(part.types), std::move(part.attributes));
}

}  // namespace

std::vector<ExportEntry> FusedExports() {
  return {{"FusedConv", ExportFused},
          {"FusedConvTranspose", ExportFused},
          {"FusedGemm", ExportFused},
          {"FusedMatMul", ExportFused}};
}

}  // namespace weft
