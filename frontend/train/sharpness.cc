#include "frontend/train/sharpness.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "autodiff/gradients.h"
#include "graph/bind.h"
#include "graph/emitter.h"

namespace weft {
namespace {

constexpr double kLeastNorm = 1e-12;  // below it there is no direction to go

// What `value` is computed by, in topological order.
std::vector<Node*> NodesBefore(Graph& graph, Value value) {
  std::unordered_set<const Node*> needed = {value.node};
  std::vector<Node*> nodes;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!needed.contains(&*node)) continue;
    nodes.push_back(&*node);
    for (const Value& v : node->inputs()) needed.insert(v.node);
  }
  std::ranges::reverse(nodes);
  return nodes;
}

// A graph's values where some of them are others: what depends on those is computed once more.
class MovedValues {
 public:
  explicit MovedValues(Graph& graph) : graph_(graph) {}

  void Move(Value from, Value to) { moved_.emplace(from, to); }
  Value Of(Value v) const {
    const auto it = moved_.find(v);
    return it == moved_.end() ? v : it->second;
  }
  absl::Status Compute(Value value) {
    for (Node* node : NodesBefore(graph_, value)) {
      const bool depends =
          std::ranges::any_of(node->inputs(), [&](Value v) { return moved_.contains(v); });
      if (depends) WEFT_RETURN_IF_ERROR(Copy(*node));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Copy(const Node& node) {
    NodeSpec spec = node.Spec();
    spec.name += "/sharp";
    if (const auto it = copies_.find(node.forward()); it != copies_.end())
      spec.forward = it->second;
    for (Value& v : spec.inputs) v = Of(v);
    WEFT_ASSIGN_OR_RETURN(Node * copy, graph_.AddNode(std::move(spec)));
    copies_[&node] = copy;
    for (int i = 0; i < node.num_outputs(); ++i) Move(node.output(i), copy->output(i));
    return absl::OkStatus();
  }

  Graph& graph_;
  absl::flat_hash_map<Value, Value> moved_;
  NodeMap copies_;
};

}  // namespace

absl::Status SharpenGradients(Graph& graph, Value loss, double rho, Descent& descent) {
  if (rho == 0) return absl::OkStatus();
  Emitter e(graph, "sharpness");
  const Value norm = e.Op("GlobalNorm", descent.gradients);
  const DType dtype = descent.gradients[0].type().dtype;
  const Value most = e.Op("Max", {norm, e.Scalar(kLeastNorm, dtype)});
  const Value scale = e.Op("Div", {e.Scalar(rho, dtype), most});
  MovedValues moved(graph);
  std::vector<Value> places;
  for (size_t i = 0; i < descent.parameters.size(); ++i) {
    const Value w = descent.parameters[i]->output();
    places.push_back(e.Op("Add", {w, e.Op("Mul", {descent.gradients[i], scale})}));
    moved.Move(w, places.back());
  }
  WEFT_RETURN_IF_ERROR(e.status());
  WEFT_RETURN_IF_ERROR(moved.Compute(loss));
  const Value losses[] = {moved.Of(loss)};
  // So that what computes it again, to save memory, knows a forward pass.
  if (losses[0] != loss) {
    WEFT_RETURN_IF_ERROR(graph.AddLoss(losses[0].node->name(), losses[0]));
  }
  WEFT_ASSIGN_OR_RETURN(descent.gradients, Gradients(graph, losses, places));
  return absl::OkStatus();
}

}  // namespace weft
