#include <algorithm>

#include "frontend/onnx/import/importer.h"
#include "graph/evaluate.h"
#include "ops/ops.h"
#include "ops/reference.h"

namespace weft {
namespace {

// Copies of a node's operands in `known`; false where one is not known.
bool CopyKnownOperands(const onnx::NodeProto& node, const OnnxScope& scope, OnnxScope& known) {
  for (const std::string& input : node.input()) {
    if (input.empty()) continue;
    const OnnxValuePtr value = scope.Find(input);
    if (value == nullptr || !value->constant) return false;
    if (value->parameter && value->constant->rank() > 0) return false;
    OnnxValue& copy = known.Make(input);
    copy.constant = value->constant;
    copy.shape = value->shape;
  }
  return true;
}

// Whether the nodes of `graph` may be computed now. It takes from the budget where they may.
bool IsCheap(const Graph& graph, KnownBudget& budget) {
  KnownBudget left = budget;
  const bool fits = std::all_of(graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) {
    if (node.op().evaluate == nullptr) return true;  // a leaf
    return !node.op().draws_random && left.SpendOn(node);
  });
  if (fits) budget = left;
  return fits;
}

}  // namespace

std::optional<std::vector<Tensor>> FoldOnnxNode(const onnx::NodeProto& node, const OnnxOp& op,
                                                const onnx::OpSchema& schema, int opset,
                                                const OnnxScope& scope, KnownBudget& budget) {
  OnnxScope known(scope.opsets());
  if (!CopyKnownOperands(node, scope, known)) return std::nullopt;
  Graph scratch(StandardOps());
  ImportContext context(Emitter(scratch, OnnxNodeName(node)), node, schema, opset, known, budget);
  std::vector<Value> outputs = op.import(context);
  if (!context.ok() || !IsCheap(scratch, budget)) return std::nullopt;
  std::vector<Value> wanted;
  for (int i = 0; i < node.output_size(); ++i) {
    if (!context.wants(i)) continue;
    if (static_cast<size_t>(i) >= outputs.size() || outputs[static_cast<size_t>(i)].null()) {
      return std::nullopt;
    }
    wanted.push_back(outputs[static_cast<size_t>(i)]);
  }
  auto tensors = ReferenceEvaluator().RunValues(scratch, {}, wanted);
  if (!tensors.ok()) return std::nullopt;
  std::vector<Tensor> result;
  size_t next = 0;
  for (int i = 0; i < node.output_size(); ++i) {
    result.push_back(context.wants(i) ? (*tensors)[next++] : Tensor());
  }
  return result;
}

}  // namespace weft
