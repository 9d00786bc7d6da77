#include "frontend/train/finetune_prefix.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "frontend/train/training_graph.h"
#include "frontend/weights/weights.h"
#include "graph/bind.h"
#include "graph/op.h"

namespace weft {
namespace {

using NodeSet = std::unordered_set<const Node*>;

bool ReadsAny(const Node& node, const NodeSet& nodes) {
  return std::any_of(node.inputs().begin(), node.inputs().end(),
                     [&](const Value& v) { return !v.null() && nodes.contains(v.node); });
}

// What differs from step to step by itself: what is trained, drawn, or fed beside the examples.
bool MovesByItself(const Node& node, const Node* examples) {
  return IsTrainable(node) || node.op().draws_random ||
         GetString(node.attributes(), "mode") == "auto" ||
         (node.op_name() == kInput && &node != examples);
}

const Node* ExamplesOf(const Graph& graph) {
  for (const Node* input : graph.inputs()) {
    if (input->name() != kLabelsInput && input->name() != kNoiseInput) return input;
  }
  return nullptr;
}

// A value that depends on the examples, and where it is read for the last time.
struct OpenValue {
  Value value;
  int64_t last_read = 0;
};

int64_t LastRead(const Graph& graph, Value value) {
  int64_t last = graph.IsOutput(value) ? INT64_MAX : 0;
  for (const Use& use : value.node->uses(value.index)) {
    last = std::max(last, use.user->position());
  }
  return last;
}

// The border; null where there is none.
Value FindBorder(const Graph& graph) {
  const Node* examples = ExamplesOf(graph);
  NodeSet moving, dependent;
  std::vector<OpenValue> open;
  Value border;
  for (const Node& node : graph.nodes()) {
    if (MovesByItself(node, examples) || ReadsAny(node, moving)) moving.insert(&node);
    if (&node != examples && !ReadsAny(node, dependent)) continue;
    if (moving.contains(&node)) break;
    dependent.insert(&node);
    std::erase_if(open, [&](const OpenValue& v) { return v.last_read <= node.position(); });
    for (int i = 0; i < node.num_outputs(); ++i) {
      const int64_t last = LastRead(graph, node.output(i));
      if (last > node.position()) open.push_back({node.output(i), last});
    }
    const bool alone = open.size() == 1 && open[0].value.index == 0;
    if (alone && open[0].value.node != examples) border = open[0].value;
  }
  return border;
}

// What the outputs, losses and updates need besides `border`.
NodeSet NeededAfter(const Graph& graph, Value border) {
  NodeSet needed;
  std::vector<const Node*> stack;
  const auto need = [&](Value v) {
    if (!v.null() && v != border && needed.insert(v.node).second) stack.push_back(v.node);
  };
  for (const NamedValue& output : graph.outputs()) need(output.value);
  for (const NamedValue& loss : graph.losses()) need(loss.value);
  for (const Update& update : graph.updates()) {
    need(update.variable->output());
    need(update.value);
  }
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    for (const Value& v : node->inputs()) need(v);
  }
  return needed;
}

// A copy of what comes after `border`, which becomes the input `name`.
absl::StatusOr<Graph> GraphAfter(const Graph& graph, Value border, const std::string& name) {
  const NodeSet needed = NeededAfter(graph, border);
  Graph rest(graph.registry());
  WEFT_ASSIGN_OR_RETURN(const Value input, rest.AddInput(name, border.type()));
  NodeMap nodes;
  const auto copied = [&](Value v) {
    if (v == border) return input;
    return v.null() ? v : nodes.at(v.node)->output(v.index);
  };
  for (const Node& node : graph.nodes()) {
    if (!needed.contains(&node)) continue;
    NodeSpec spec = {.op = std::string(node.op_name()),
                     .name = node.name(),
                     .attributes = node.attributes(),
                     .num_outputs = node.num_outputs(),
                     .provenance = node.provenance()};
    for (const Value& v : node.inputs()) spec.inputs.push_back(copied(v));
    WEFT_ASSIGN_OR_RETURN(nodes[&node], rest.AddNode(std::move(spec)));
  }
  for (const NamedValue& output : graph.outputs()) {
    WEFT_RETURN_IF_ERROR(rest.AddOutput(output.name, copied(output.value)));
  }
  for (const NamedValue& loss : graph.losses()) {
    WEFT_RETURN_IF_ERROR(rest.AddLoss(loss.name, copied(loss.value)));
  }
  for (const Update& update : graph.updates()) {
    WEFT_RETURN_IF_ERROR(rest.AddUpdate(nodes.at(update.variable), copied(update.value)));
  }
  return rest;
}

}  // namespace

absl::StatusOr<FrozenSplit> SplitFrozen(const Model& model, const FineTuneOptions& options) {
  Graph frozen = Clone(model.graph);
  WEFT_RETURN_IF_ERROR(Freeze(frozen, options));
  const Value border = FindBorder(frozen);
  if (border.null()) {
    return absl::InvalidArgumentError(
        "freeze: the model has no frozen beginning whose features could be kept");
  }
  WEFT_ASSIGN_OR_RETURN(Graph rest, GraphAfter(frozen, border, ExamplesOf(frozen)->name()));
  FrozenSplit split{.at = border.node->name(), .rest = Model(std::move(rest))};
  split.rest.class_names = model.class_names;
  return split;
}

absl::Status JoinFrozen(Model& model, const Model& rest) {
  for (const auto& [name, value] : WeightsOf(rest)) {
    Node* variable = model.graph.Find(name);
    if (variable == nullptr || variable->op_name() != kVariable) {
      return absl::InvalidArgumentError(absl::StrCat("the model has no variable ", name));
    }
    WEFT_RETURN_IF_ERROR(Annotate(model.graph.SetLeafValue(variable, value), name));
  }
  model.training.reset();
  return absl::OkStatus();
}

}  // namespace weft
