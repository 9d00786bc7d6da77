#include "frontend/train/finetune_prefix.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "frontend/train/parameter_groups.h"
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

// Null where there are several inputs for them, or none.
const Node* ExamplesOf(const Graph& graph) {
  const std::vector<const Node*> inputs = InputsForExamples(graph);
  return inputs.size() == 1 ? inputs[0] : nullptr;
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
Value FindBorder(const Graph& graph, const Node* examples) {
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

// What `wanted` needs; nothing that only `border` does.
NodeSet NeededFor(const std::vector<Value>& wanted, Value border) {
  NodeSet needed;
  std::vector<const Node*> stack;
  const auto need = [&](Value v) {
    if (!v.null() && v != border && needed.insert(v.node).second) stack.push_back(v.node);
  };
  for (const Value v : wanted) need(v);
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    for (const Value& v : node->inputs()) need(v);
  }
  return needed;
}

// Some of a graph's nodes, copied; an input may stand for one value.
struct PartCopy {
  Graph graph;
  Value border = {}, input = {};
  NodeMap nodes = {};

  Value Of(Value v) const {
    if (v.null()) return v;
    return v == border ? input : CopyOf(v, nodes);
  }
  absl::Status Add(const Graph& from, const NodeSet& needed) {
    for (const Node& node : from.nodes()) {
      if (!needed.contains(&node)) continue;
      NodeSpec spec = node.Spec();
      spec.forward = nullptr;
      for (Value& v : spec.inputs) v = Of(v);
      WEFT_ASSIGN_OR_RETURN(nodes[&node], graph.AddNode(std::move(spec)));
    }
    return absl::OkStatus();
  }
};

// What leads to `border`, which is its output.
absl::StatusOr<Graph> GraphBefore(const Graph& graph, Value border) {
  PartCopy part{.graph = Graph(graph.registry())};
  WEFT_RETURN_IF_ERROR(part.Add(graph, NeededFor({border}, Value())));
  WEFT_RETURN_IF_ERROR(part.graph.AddOutput("features", part.Of(border)));
  return std::move(part.graph);
}

// A copy of what comes after `border`, which becomes the input `name`.
absl::StatusOr<Graph> GraphAfter(const Graph& graph, Value border, const std::string& name) {
  std::vector<Value> wanted;
  for (const NamedValue& output : graph.outputs()) wanted.push_back(output.value);
  for (const NamedValue& loss : graph.losses()) wanted.push_back(loss.value);
  for (const Update& update : graph.updates()) {
    wanted.push_back(update.variable->output());
    wanted.push_back(update.value);
  }
  PartCopy part{.graph = Graph(graph.registry()), .border = border};
  WEFT_ASSIGN_OR_RETURN(part.input, part.graph.AddInput(name, border.type()));
  WEFT_RETURN_IF_ERROR(part.Add(graph, NeededFor(wanted, border)));
  Graph& rest = part.graph;
  for (const NamedValue& output : graph.outputs()) {
    WEFT_RETURN_IF_ERROR(rest.AddOutput(output.name, part.Of(output.value)));
  }
  for (const NamedValue& loss : graph.losses()) {
    WEFT_RETURN_IF_ERROR(rest.AddLoss(loss.name, part.Of(loss.value)));
  }
  for (const Update& update : graph.updates()) {
    WEFT_RETURN_IF_ERROR(rest.AddUpdate(part.nodes.at(update.variable), part.Of(update.value)));
  }
  return std::move(part.graph);
}

}  // namespace

absl::StatusOr<FrozenSplit> SplitFrozen(const Model& model, const FineTuneOptions& options) {
  Graph frozen = Clone(model.graph);
  WEFT_RETURN_IF_ERROR(Freeze(frozen, options));
  const auto none = [] {
    return absl::InvalidArgumentError(
        "freeze: the model has no frozen beginning whose features could be kept");
  };
  const Node* examples = ExamplesOf(frozen);
  if (examples == nullptr) {
    return absl::InvalidArgumentError("freeze: features are kept of models with one input");
  }
  const Value border = FindBorder(frozen, examples);
  if (border.null()) return none();
  WEFT_ASSIGN_OR_RETURN(Graph rest, GraphAfter(frozen, border, examples->name()));
  WEFT_ASSIGN_OR_RETURN(Graph beginning, GraphBefore(frozen, border));
  if (beginning.variables().empty()) return none();
  FrozenSplit split{.at = border.node->name(),
                    .beginning = Model(std::move(beginning)),
                    .rest = Model(std::move(rest))};
  split.rest.class_names = model.class_names;
  return split;
}

OptimizerOptions WithoutPatternsFor(const Graph& whole, const Graph& rest,
                                    OptimizerOptions options) {
  const auto fits = [](const Graph& graph, std::string_view pattern) {
    const std::vector<Node*> variables = graph.variables();
    return std::ranges::any_of(variables, [&](const Node* variable) {
      return MatchesVariable(pattern, variable->name());
    });
  };
  for (auto* patterns : {&options.lr_group, &options.decay_group, &options.max_norm}) {
    std::erase_if(*patterns, [&](std::string_view text) {
      const std::string_view pattern = text.substr(0, text.rfind('='));
      return !fits(rest, pattern) && fits(whole, pattern);
    });
  }
  return options;
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
