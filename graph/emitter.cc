#include "graph/emitter.h"

namespace weft {

Value Emitter::Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes) {
  Node* node = OpNode(op, std::move(inputs), std::move(attributes));
  return node == nullptr ? Value() : node->output(0);
}

Node* Emitter::OpNode(std::string_view op, std::vector<Value> inputs, AttributeMap attributes,
                      int num_outputs, Node* forward) {
  if (!ok()) return nullptr;
  std::string name = prefix_.empty() ? std::string(op) : absl::StrCat(prefix_, "/", Absl(op));
  absl::StatusOr<Node*> node = graph_->AddNode({.op = std::string(op),
                                                .name = std::move(name),
                                                .inputs = std::move(inputs),
                                                .attributes = std::move(attributes),
                                                .num_outputs = num_outputs,
                                                .provenance = provenance_,
                                                .forward = forward});
  if (node.ok()) return *node;
  Fail(node.status());
  return nullptr;
}

Value Emitter::Constant(Tensor value) {
  if (!ok()) return Value();
  std::string name = prefix_.empty() ? "const" : prefix_ + "/const";
  absl::StatusOr<Value> result = graph_->AddConstant(std::move(name), std::move(value));
  return result.ok() ? *result : Fail(result.status());
}

Value Emitter::Scalar(double value, DType dtype) { return Constant(Tensor::Scalar(value, dtype)); }

Value Emitter::Ints(std::vector<int64_t> values) { return Constant(Tensor::FromInts(values)); }

Value Emitter::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
  return Value();
}

}  // namespace weft
