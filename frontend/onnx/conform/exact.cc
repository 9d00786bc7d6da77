#include <vector>

#include "absl/container/flat_hash_map.h"
#include "frontend/onnx/conform/conform.h"
#include "graph/bind.h"
#include "ops/ops.h"
#include "ops/reference.h"

namespace weft {
namespace {

absl::StatusOr<Tensor> Widened(const Tensor& tensor) {
  return tensor.dtype() == DType::kF32 ? tensor.Converted(DType::kF64)
                                       : absl::StatusOr<Tensor>(tensor);
}

}  // namespace

absl::StatusOr<TensorMap> ExactOutputs(const Graph& graph, const TensorMap& inputs) {
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings symbols, BindingsFromFeeds(graph, inputs));
  WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph, symbols));
  ReferenceEvaluator evaluator;
  absl::flat_hash_map<Value, Tensor> values;
  for (const Node& node : bound.nodes()) {
    const bool is_input = node.op_name() == kInput;
    if (node.op().draws_random) return absl::UnimplementedError("draws random numbers");
    if (is_input || !LeafValue(node).is_empty()) {
      const Tensor& leaf = is_input ? inputs.find(node.name())->second : LeafValue(node);
      WEFT_ASSIGN_OR_RETURN(values[node.output()], Widened(leaf));
      continue;
    }
    std::vector<Tensor> operands;
    for (const Value& v : node.inputs()) operands.push_back(v ? values.at(v) : Tensor());
    Graph alone(StandardOps());  // its types are those of the operands
    WEFT_ASSIGN_OR_RETURN(const Node* copy, AddNodeOfConstants(alone, node, operands));
    WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> results, evaluator.RunNode(*copy, operands));
    for (size_t i = 0; i < results.size(); ++i) {
      values[node.output(static_cast<int>(i))] = std::move(results[i]);
    }
  }
  TensorMap outputs;
  for (const NamedValue& output : bound.outputs()) {
    outputs.emplace(output.name, values.at(output.value));
  }
  return outputs;
}

}  // namespace weft
