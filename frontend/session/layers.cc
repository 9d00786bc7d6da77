#include "frontend/session/layers.h"

#include <algorithm>
#include <array>

#include "frontend/io/names.h"
#include "graph/bind.h"
#include "passes/passes.h"

namespace weft {
namespace {

constexpr std::array<std::string_view, 16> kMovingOps = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze",     "Transpose", "Identity",
    "Dropout", "Cast",    "Slice",   "Split",         "Concat",    "Pad",
    "Expand",  "Gather",  "Tile",    "ChannelShuffle"};

}  // namespace

std::unordered_set<const Node*> NodesBetween(const Graph& graph, std::span<const Node* const> from,
                                             std::span<const Node* const> to) {
  const std::unordered_set<const Node*> begin(from.begin(), from.end());
  std::unordered_set<const Node*> fed, between(to.begin(), to.end());
  for (const Node& node : graph.nodes()) {
    const bool depends = std::ranges::any_of(node.inputs(), [&](const Value& v) {
      return !v.null() && (begin.contains(v.node) || fed.contains(v.node));
    });
    if (depends) fed.insert(&node);
  }
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!between.contains(&*node)) continue;
    for (const Value& v : node->inputs()) {
      if (!v.null()) between.insert(v.node);
    }
  }
  std::erase_if(between, [&](const Node* node) { return !fed.contains(node); });
  return between;
}

absl::StatusOr<Value> NamedValueOf(const Graph& graph, std::string_view name) {
  const Node* node = graph.Find(name);
  if (node == nullptr) {
    std::vector<std::string_view> names;
    for (const Node& other : graph.nodes()) names.push_back(other.name());
    const std::string_view nearest = NearestName(name, names);
    return absl::NotFoundError(
        absl::StrCat("no node is called ", Absl(name),
                     nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
  }
  if (kFloatTypes.contains(node->type().dtype)) return node->output();
  return absl::InvalidArgumentError(absl::StrCat("expected a floating-point value, ",
                                                 node->Describe(), " is ", ToString(node->type())));
}

std::vector<const Node*> LayersOf(const Graph& graph) {
  const std::vector<Node*> inputs = graph.inputs();
  std::vector<const Node*> outputs;
  for (const NamedValue& output : graph.outputs()) outputs.push_back(output.value.node);
  const std::unordered_set<const Node*> between =
      NodesBetween(graph, std::vector<const Node*>(inputs.begin(), inputs.end()), outputs);
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
    const absl::StatusOr<Value> value = NamedValueOf(graph, name);
    if (!value.ok()) return Annotate(value.status(), "layers");
    layers.push_back(value->node);
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
