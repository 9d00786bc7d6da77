#include "frontend/onnx/export/writer.h"

#include <algorithm>

#include "frontend/onnx/export/opset.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

// Whether the op means something else where it has no such attribute yet: RoiAlign had no half
// pixels before opset 16.
bool IsNewMeaning(std::string_view op, std::string_view attribute) {
  return op == "RoiAlign" && attribute == "coordinate_transformation_mode";
}

absl::Status SetAttributes(const OnnxNode& node, onnx::NodeProto& proto) {
  const onnx::OpSchema* schema = node.domain.empty() ? NewestSchema(node.op) : nullptr;
  for (const auto& [name, value] : node.attributes) {
    WEFT_ASSIGN_OR_RETURN(onnx::AttributeProto attribute, AttributeToProto(name, value));
    const bool is_default = schema != nullptr && IsOnnxDefault(*schema, attribute);
    if (is_default && !IsNewMeaning(node.op, name)) continue;
    *proto.add_attribute() = std::move(attribute);
  }
  return absl::OkStatus();
}

}  // namespace

std::string OnnxWriter::Unique(std::string_view hint, std::initializer_list<Names*> taken) {
  std::string name(hint);
  const auto is_taken = [&name](const Names* names) { return names->contains(name); };
  for (int i = 1; std::any_of(taken.begin(), taken.end(), is_taken); ++i) {
    name = absl::StrCat(Absl(hint), "_", i);
  }
  for (Names* names : taken) names->insert(name);
  return name;
}

const std::string& OnnxWriter::Write(const OnnxOperand& operand) {
  if (operand.leaf == nullptr) return operand.name;
  OnnxLeaf& leaf = *operand.leaf;
  if (leaf.written) return leaf.name;
  if (!leaf.named) leaf.name = leaf.initializer ? ValueName(leaf.name) : InnerName(leaf.name);
  leaf.written = leaf.named = true;
  if (leaf.initializer) {
    *graph_->add_initializer() = TensorToProto(leaf.tensor, leaf.name);
    return leaf.name;
  }
  onnx::NodeProto* node = graph_->add_node();
  node->set_op_type("Constant");
  node->set_name(leaf.node.empty() ? leaf.name : leaf.node);
  node->add_output(leaf.name);
  onnx::AttributeProto* value = node->add_attribute();
  value->set_name("value");
  value->set_type(onnx::AttributeProto::TENSOR);
  *value->mutable_t() = TensorToProto(leaf.tensor, "");
  return leaf.name;
}

absl::Status OnnxWriter::Add(OnnxNode node) {
  while (!node.inputs.empty() && !node.inputs.back().present()) node.inputs.pop_back();
  onnx::NodeProto proto;
  proto.set_op_type(node.op);
  proto.set_name(node.name);
  if (!node.domain.empty()) proto.set_domain(node.domain);
  WEFT_RETURN_IF_ERROR(SetAttributes(node, proto));
  std::vector<std::optional<DType>> in, out(node.dtypes.begin(), node.dtypes.end());
  for (const OnnxOperand& operand : node.inputs) {
    in.push_back(operand.present() ? std::optional(operand.dtype) : std::nullopt);
    proto.add_input();
  }
  for (const std::string& name : node.outputs) proto.add_output(name);
  WEFT_ASSIGN_OR_RETURN(const int opset, OpsetFor(proto, in, out, kFirstExportedOpset));
  if (opset > opset_) {
    opset_ = opset;
    raised_by_ = node.source;
  }
  uses_training_domain_ = uses_training_domain_ || !node.domain.empty();
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    proto.set_input(static_cast<int>(i), Write(node.inputs[i]));
  }
  *graph_->add_node() = std::move(proto);
  return absl::OkStatus();
}

}  // namespace weft
