#include <algorithm>
#include <iterator>

#include "frontend/onnx/import/functions.h"
#include "frontend/onnx/import/importer.h"
#include "frontend/onnx/import/order.h"
#include "frontend/onnx/import/structure.h"

namespace weft {
namespace {

constexpr int kMostLooks = 100000;  // at nodes of functions

using Names = std::set<std::string>;

class DecidingNames {
 public:
  explicit DecidingNames(const onnx::ModelProto& model) : functions_(model) {}

  // Adds to `deciding` the names from which those in it are computed, and those that decide a shape
  // of themselves.
  void Collect(const OnnxNodes& nodes, Names& deciding) {
    if (depth_ == kMostOnnxDepth) return;
    ++depth_;
    const OnnxOrder order = SortOnnxNodes(nodes);
    // Backwards: a reader comes before the node that makes what it reads.
    for (auto node = order.nodes.rbegin(); node != order.nodes.rend(); ++node) {
      Look(**node, deciding);
    }
    --depth_;
  }

 private:
  void Look(const onnx::NodeProto& node, Names& deciding) {
    const onnx::FunctionProto* function = functions_.Find(node);
    if (function != nullptr) return LookInto(*function, node, deciding);
    const OnnxOp* op = FindOnnxOp(node.op_type(), node.domain());
    if (op != nullptr) {
      for (int i : op->known_inputs) Decides(node, i, deciding);
    }
    const StructureOp* structure = FindStructureOp(node.op_type(), node.domain());
    if (structure != nullptr) {
      for (int i : structure->known_inputs) Decides(node, i, deciding);
    }
    bool decides = std::any_of(node.output().begin(), node.output().end(),
                               [&](const auto& name) { return deciding.contains(name); });
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) decides = LookInto(attribute.g(), decides, deciding);
    }
    if (!decides || node.op_type() == "Shape" || node.op_type() == "Size") return;
    for (const std::string& input : node.input()) {
      if (!input.empty()) deciding.insert(input);
    }
  }

  // Whether the operands of a node with this body decide.
  bool LookInto(const onnx::GraphProto& body, bool decides, Names& deciding) {
    Names inner;  // another body can use the same names
    for (int i = 0; decides && i < body.output_size(); ++i) inner.insert(body.output(i).name());
    Collect(body.node(), inner);
    std::ranges::set_difference(inner, OnnxNamesOf(body), std::inserter(deciding, deciding.end()));
    return decides || std::any_of(body.input().begin(), body.input().end(),
                                  [&](const auto& input) { return inner.contains(input.name()); });
  }

  static void Decides(const onnx::NodeProto& node, int input, Names& deciding) {
    if (input < node.input_size() && !node.input(input).empty()) deciding.insert(node.input(input));
  }

  void LookInto(const onnx::FunctionProto& function, const onnx::NodeProto& call, Names& deciding) {
    looks_ += function.node_size() + 1;
    if (looks_ > kMostLooks) return;
    Names inner;
    for (int i = 0; i < std::min(call.output_size(), function.output_size()); ++i) {
      if (deciding.contains(call.output(i))) inner.insert(function.output(i));
    }
    Collect(function.node(), inner);
    for (int i = 0; i < std::min(call.input_size(), function.input_size()); ++i) {
      if (inner.contains(function.input(i))) Decides(call, i, deciding);
    }
  }

  const OnnxFunctions functions_;
  int looks_ = 0, depth_ = 0;
};

}  // namespace

std::set<std::string> ShapeDecidingInputs(const onnx::ModelProto& model) {
  Names deciding;
  DecidingNames(model).Collect(model.graph().node(), deciding);
  return deciding;
}

}  // namespace weft
