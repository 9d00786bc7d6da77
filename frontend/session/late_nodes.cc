#include "frontend/session/late_nodes.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/bind.h"

namespace weft {
namespace {

bool HasUnknownSize(const Node& node) {
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (!node.type(i).is_static()) return true;
  }
  return false;
}

}  // namespace

const Node* FirstLateNode(const Graph& graph) {
  const auto& nodes = graph.nodes();
  const auto late = std::find_if(nodes.begin(), nodes.end(), HasUnknownSize);
  return late == nodes.end() ? nullptr : &*late;
}

absl::StatusOr<std::unique_ptr<LateNodes>> LateNodes::Of(Graph graph) {
  std::unique_ptr<LateNodes> result(new LateNodes(std::move(graph)));
  absl::flat_hash_set<const Node*> late;
  for (const Node& node : result->graph_.nodes()) {
    const auto& inputs = node.inputs();
    const bool reads_late = std::any_of(inputs.begin(), inputs.end(),
                                        [&](const Value& v) { return late.contains(v.node); });
    if (!reads_late && !HasUnknownSize(node)) continue;
    late.insert(&node);
    result->late_.push_back(&node);
  }
  if (late.empty()) return nullptr;
  absl::flat_hash_set<Value> read;
  const auto add = [&](const Value& v) {
    const bool computed = !v.null() && !late.contains(v.node) && ConstantValue(v) == nullptr;
    if (computed && read.insert(v).second) result->read_.push_back(v);
  };
  for (const Node* node : result->late_) {
    for (const Value& v : node->inputs()) add(v);
  }
  for (const NamedValue& output : result->graph_.outputs()) add(output.value);
  NodeMap copies;
  result->early_ = Clone(result->graph_, &copies);
  result->early_.ClearOutputs();
  for (const Value& v : result->read_) {
    WEFT_RETURN_IF_ERROR(result->early_.AddOutput(absl::StrCat(result->early_.outputs().size()),
                                                  copies.at(v.node)->output(v.index)));
  }
  result->early_.RemoveDeadNodes();
  return result;
}

absl::StatusOr<std::vector<Tensor>> LateNodes::Run(std::span<const Tensor> early_outputs,
                                                   Evaluator& evaluator) const {
  absl::flat_hash_map<Value, Tensor> known;
  for (size_t i = 0; i < read_.size(); ++i) known[read_[i]] = early_outputs[i];
  const auto value = [&](const Value& v) {
    if (v.null()) return Tensor();
    const Tensor* constant = ConstantValue(v);
    return constant != nullptr ? *constant : known.at(v);
  };
  for (const Node* node : late_) {
    std::vector<Tensor> inputs;
    for (const Value& v : node->inputs()) inputs.push_back(value(v));
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, evaluator.RunNode(*node, inputs));
    for (size_t i = 0; i < outputs.size(); ++i) {
      known[node->output(static_cast<int>(i))] = outputs[i];
    }
  }
  std::vector<Tensor> results;
  for (const NamedValue& output : graph_.outputs()) results.push_back(value(output.value));
  return results;
}

}  // namespace weft
