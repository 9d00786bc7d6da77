#include "runtime/exec/evaluator.h"

#include "absl/strings/str_cat.h"
#include "graph/bind.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/executable.h"

namespace weft {

absl::StatusOr<std::vector<Tensor>> RuntimeEvaluator::RunNode(const Node& node,
                                                              std::span<const Tensor> inputs) {
  Graph graph(StandardOps());
  WEFT_ASSIGN_OR_RETURN(const Node* copy, AddNodeOfConstants(graph, node, inputs));
  for (int i = 0; i < copy->num_outputs(); ++i) {
    WEFT_RETURN_IF_ERROR(graph.AddOutput(absl::StrCat(i), copy->output(i)));
  }
  WEFT_ASSIGN_OR_RETURN(TensorMap results, RunGraph(graph, {}));
  std::vector<Tensor> outputs;
  for (int i = 0; i < copy->num_outputs(); ++i) outputs.push_back(results.at(absl::StrCat(i)));
  return outputs;
}

absl::StatusOr<TensorMap> RuntimeEvaluator::RunGraph(const Graph& graph, const TensorMap& feeds) {
  for (const auto& [name, tensor] : feeds) {
    const Node* input = graph.Find(name);
    if (input == nullptr || input->op_name() != kInput) {
      return absl::NotFoundError(absl::StrCat("the graph has no input called '", name, "'"));
    }
  }
  WEFT_ASSIGN_OR_RETURN(SymbolBindings bindings, BindingsFromFeeds(graph, feeds));
  WEFT_ASSIGN_OR_RETURN(auto executable, Executable::Create(graph, bindings, options_));
  WEFT_ASSIGN_OR_RETURN(auto state, State::Create(graph));
  WEFT_ASSIGN_OR_RETURN(auto context, Context::Create(*executable, state.get()));
  std::vector<Tensor> inputs;
  for (const std::string& name : executable->plan().inputs) {
    auto it = feeds.find(name);
    if (it == feeds.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", name, ": expected a tensor, got none"));
    }
    inputs.push_back(it->second);
  }
  std::vector<Tensor> outputs(executable->plan().outputs.size());
  WEFT_RETURN_IF_ERROR(executable->Run(*context, inputs, outputs, {.key = key_}));
  TensorMap results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    results.emplace(executable->plan().outputs[i], std::move(outputs[i]));
  }
  return results;
}

}  // namespace weft
