#include <algorithm>

#include "frontend/onnx/import/importer.h"
#include "graph/evaluate.h"
#include "ops/ops.h"
#include "ops/reference.h"

namespace weft {
namespace {

// The known operands of a node; nullopt where one is not.
std::optional<OnnxValues> KnownOperands(const onnx::NodeProto& node, const OnnxValues& values) {
  OnnxValues known;
  for (const std::string& input : node.input()) {
    if (input.empty()) continue;
    auto it = values.find(input);
    if (it == values.end() || !it->second.constant) return std::nullopt;
    if (it->second.parameter && it->second.constant->rank() > 0) return std::nullopt;
    known[input] = {.constant = it->second.constant, .shape = it->second.shape};
  }
  return known;
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
                                                const OnnxValues& values, KnownBudget& budget) {
  std::optional<OnnxValues> known = KnownOperands(node, values);
  if (!known) return std::nullopt;
  Graph scratch(StandardOps());
  ImportContext context(Emitter(scratch, OnnxNodeName(node)), node, schema, opset, *known, budget);
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
