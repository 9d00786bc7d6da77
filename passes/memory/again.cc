#include "passes/memory/again.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/op.h"

namespace weft {

namespace {

// What the norm of gradients decides, itself included.
std::unordered_set<const Node*> NodesFromNorms(const Graph& graph) {
  std::unordered_set<const Node*> nodes;
  for (const Node& node : graph.nodes()) {
    const bool follows =
        std::ranges::any_of(node.inputs(), [&](const Value& v) { return nodes.contains(v.node); });
    if (follows || node.op_name() == "GlobalNorm") nodes.insert(&node);
  }
  return nodes;
}

}  // namespace

std::unordered_set<const Node*> ForwardNodes(const Graph& graph) {
  const std::unordered_set<const Node*> late = NodesFromNorms(graph);
  std::unordered_set<const Node*> forward;
  for (const auto* kept : {&graph.outputs(), &graph.losses()}) {
    for (const NamedValue& output : *kept) forward.insert(output.value.node);
  }
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!forward.contains(&*node)) continue;
    for (const Value& v : node->inputs()) {
      // Another pass, at parameters that gradients have moved, does not take these in.
      if (late.contains(v.node) || !late.contains(&*node)) forward.insert(v.node);
    }
  }
  return forward;
}

bool IsTrainingNormalization(const Node& node) {
  return node.op_name() == "BatchNormalization" && node.num_outputs() > kBatchVar &&
         GetString(node.attributes(), "mode") == "training";
}

NodeSpec SpecOfAgain(const Node& node) {
  NodeSpec spec = node.Spec();
  spec.name += "/again";
  spec.provenance = {};
  spec.forward = nullptr;
  if (IsTrainingNormalization(node)) {
    for (int i : {kBatchMean, kBatchVar}) spec.inputs[static_cast<size_t>(i)] = node.output(i);
    spec.attributes.insert_or_assign("mode", "inference");
    spec.num_outputs = 1;
  }
  return spec;
}

}  // namespace weft
