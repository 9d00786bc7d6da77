#include "frontend/session/layers.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "frontend/io/names.h"
#include "graph/bind.h"
#include "passes/passes.h"

namespace weft {
namespace {

constexpr std::array<std::string_view, 16> kMovingOps = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze",     "Transpose", "Identity",
    "Dropout", "Cast",    "Slice",   "Split",         "Concat",    "Pad",
    "Expand",  "Gather",  "Tile",    "ChannelShuffle"};

// The nodes that the graph's outputs need and that depend on its inputs.
std::unordered_set<const Node*> NodesBetween(const Graph& graph) {
  std::unordered_set<const Node*> fed, between;
  for (const Node& node : graph.nodes()) {
    const bool depends = std::ranges::any_of(node.inputs(), [&](const Value& v) {
      return !v.null() && (v.node->op_name() == kInput || fed.contains(v.node));
    });
    if (depends) fed.insert(&node);
  }
  for (const NamedValue& output : graph.outputs()) between.insert(output.value.node);
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!between.contains(&*node)) continue;
    for (const Value& v : node->inputs()) {
      if (!v.null()) between.insert(v.node);
    }
  }
  std::erase_if(between, [&](const Node* node) { return !fed.contains(node); });
  return between;
}

absl::StatusOr<const Node*> FindLayer(const Graph& graph, const std::string& name) {
  const Node* node = graph.Find(name);
  if (node == nullptr) {
    std::vector<std::string_view> names;
    for (const Node* layer : LayersOf(graph)) names.push_back(layer->name());
    const std::string_view nearest = NearestName(name, names);
    return absl::NotFoundError(
        absl::StrCat("layers: no node is called ", name,
                     nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
  }
  if (kFloatTypes.contains(node->type().dtype)) return node;
  return absl::InvalidArgumentError(absl::StrCat("layers: expected a floating-point value, ",
                                                 node->Describe(), " is ", ToString(node->type())));
}

}  // namespace

std::vector<const Node*> LayersOf(const Graph& graph) {
  const std::unordered_set<const Node*> between = NodesBetween(graph);
  std::vector<const Node*> layers;
  for (const Node& node : graph.nodes()) {
    if (!between.contains(&node) || std::ranges::count(kMovingOps, node.op_name()) > 0) continue;
    if (kFloatTypes.contains(node.type().dtype) && node.type().rank() >= 2) {
      layers.push_back(&node);
    }
  }
  return layers;
}

absl::StatusOr<Model> ModelOfLayers(const Model& model, const std::vector<std::string>& names) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForInference(WithoutLosses(model.graph)));
  std::vector<const Node*> layers;
  for (const std::string& name : names) {
    WEFT_ASSIGN_OR_RETURN(layers.emplace_back(), FindLayer(graph, name));
  }
  if (names.empty()) layers = LayersOf(graph);
  if (layers.empty()) return absl::InvalidArgumentError("layers: the model has none");
  graph.ClearOutputs();
  graph.ClearUpdates();
  for (const Node* layer : layers) {
    WEFT_RETURN_IF_ERROR(graph.AddOutput(layer->name(), layer->output()));
  }
  graph.RemoveDeadNodes();
  Model result(std::move(graph));
  result.preprocessing = model.preprocessing;
  result.class_names = model.class_names;
  result.metadata = model.metadata;
  return result;
}

}  // namespace weft
