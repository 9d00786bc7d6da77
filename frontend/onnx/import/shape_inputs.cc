#include <algorithm>

#include "frontend/onnx/import/importer.h"

namespace weft {

std::set<std::string> ShapeDecidingInputs(const onnx::GraphProto& graph) {
  std::set<std::string> deciding;
  // Backwards: a reader comes before the node that makes what it reads.
  for (int n = graph.node_size() - 1; n >= 0; --n) {
    const onnx::NodeProto& node = graph.node(n);
    const OnnxOp* op = FindOnnxOp(node.op_type(), node.domain());
    if (op != nullptr) {
      for (int i : op->known_inputs) {
        if (i < node.input_size() && !node.input(i).empty()) deciding.insert(node.input(i));
      }
    }
    const bool decides = std::any_of(node.output().begin(), node.output().end(),
                                     [&](const auto& name) { return deciding.contains(name); });
    if (!decides || node.op_type() == "Shape" || node.op_type() == "Size") continue;
    for (const std::string& input : node.input()) {
      if (!input.empty()) deciding.insert(input);
    }
  }
  return deciding;
}

}  // namespace weft
