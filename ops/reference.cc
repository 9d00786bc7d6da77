#include "ops/reference.h"

#include <unordered_map>
#include <unordered_set>

#include "graph/bind.h"
#include "graph/evaluate.h"

namespace weft {
namespace {

// The name and type of a graph's inputs against what was fed. Dims are compared when symbols are
// bound (BindingsFromFeeds).
absl::Status CheckFeeds(const Graph& graph, const TensorMap& feeds) {
  std::unordered_set<std::string_view> names;
  for (const Node* input : graph.inputs()) {
    names.insert(input->name());
    if (!feeds.contains(input->name())) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", input->name(), " is missing: expected ", ToString(input->type())));
    }
  }
  for (const auto& [name, tensor] : feeds) {
    if (names.contains(name)) continue;
    std::string known;
    for (const Node* input : graph.inputs()) {
      absl::StrAppend(&known, known.empty() ? "" : ", ", input->name());
    }
    return absl::InvalidArgumentError(
        absl::StrCat("unknown input ", name, "; the graph has: ", known));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorView>> InputViews(const Node& node,
                                                   std::span<const Tensor> inputs) {
  if (static_cast<int>(inputs.size()) != node.num_inputs()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", node.num_inputs(), " inputs, got ", inputs.size()));
  }
  std::vector<TensorView> views(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value value = node.input(static_cast<int>(i));
    const Tensor& tensor = inputs[i];
    if (value.null() && tensor.is_empty()) continue;
    if (value.null() || tensor.is_empty() || tensor.type() != value.type()) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", i, ": expected ", value.null() ? "none" : ToString(value.type()),
                       ", got ", tensor.is_empty() ? "none" : ToString(tensor.type())));
    }
    views[i] = ViewOf(tensor);
  }
  return views;
}

absl::StatusOr<std::vector<Tensor>> Evaluate(const Node& node, std::span<const Tensor> inputs,
                                             const RandomKey& key) {
  if (const Tensor& leaf = LeafValue(node); !leaf.is_empty()) return std::vector<Tensor>{leaf};
  WEFT_ASSIGN_OR_RETURN(const std::vector<TensorView> views, InputViews(node, inputs));
  if (const std::optional<Alias> view = ViewAliasOf(node)) {  // no copy of what may be weights
    const Tensor& input = inputs[static_cast<size_t>(view->input)];
    WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(node.type(0).shape));
    WEFT_ASSIGN_OR_RETURN(Tensor output, input.Reshaped(std::move(dims)));
    return std::vector<Tensor>{std::move(output)};
  }
  return EvaluateNode(node, views, key);
}

bool HasStaticTypes(const Node& node) {
  for (const Value& v : node.inputs()) {
    if (v && !v.type().is_static()) return false;
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (!node.type(i).is_static()) return false;
  }
  return true;
}

// One run over a graph whose inputs' types are static. Keeps a value until its last reader has run.
class Run {
 public:
  Run(const Graph& graph, const TensorMap& feeds, ReferenceEvaluator& evaluator)
      : graph_(graph), feeds_(feeds), evaluator_(evaluator) {}

  absl::StatusOr<std::vector<Tensor>> Values(std::span<const Value> wanted) {
    for (const Value& value : wanted) ++readers_[value.node];
    for (auto node = graph_.nodes().rbegin(); node != graph_.nodes().rend(); ++node) {
      if (!readers_.contains(&*node)) continue;
      for (const Value& input : node->inputs()) {
        if (input) ++readers_[input.node];
      }
    }
    for (const Node& node : graph_.nodes()) {
      if (readers_.contains(&node)) WEFT_RETURN_IF_ERROR(RunOne(node));
    }
    std::vector<Tensor> result;
    for (const Value& value : wanted) {
      result.push_back(results_.at(value.node)[static_cast<size_t>(value.index)]);
    }
    return result;
  }

 private:
  absl::Status RunOne(const Node& node) {
    if (node.op_name() == kInput) {
      results_[&node] = {feeds_.find(node.name())->second};
      return absl::OkStatus();
    }
    std::vector<Tensor> inputs;
    for (const Value& input : node.inputs()) {
      inputs.push_back(input ? results_.at(input.node)[static_cast<size_t>(input.index)]
                             : Tensor());
    }
    WEFT_ASSIGN_OR_RETURN(results_[&node], HasStaticTypes(node) ? evaluator_.RunNode(node, inputs)
                                                                : RunOfConstants(node, inputs));
    for (const Value& input : node.inputs()) {
      if (input && --readers_.at(input.node) == 0) results_.erase(input.node);
    }
    return absl::OkStatus();
  }

  // A node some of whose sizes only this run knows: of constants inference knows all.
  absl::StatusOr<std::vector<Tensor>> RunOfConstants(const Node& node,
                                                     std::span<const Tensor> inputs) {
    Graph graph(graph_.registry());
    WEFT_ASSIGN_OR_RETURN(const Node* copy, AddNodeOfConstants(graph, node, inputs));
    return evaluator_.RunNode(*copy, inputs);
  }

  const Graph& graph_;
  const TensorMap& feeds_;
  ReferenceEvaluator& evaluator_;
  std::unordered_map<const Node*, int> readers_;
  std::unordered_map<const Node*, std::vector<Tensor>> results_;
};

}  // namespace

absl::StatusOr<Node*> AddNodeOfConstants(Graph& graph, const Node& node,
                                         std::span<const Tensor> inputs) {
  NodeSpec spec = node.Spec();
  spec.inputs.clear();
  spec.provenance = {};
  spec.forward = nullptr;
  for (const Tensor& input : inputs) {
    Value value;
    if (!input.is_empty()) {
      WEFT_ASSIGN_OR_RETURN(value,
                            graph.AddConstant(graph.UniqueName(node.name() + ".input"), input));
    }
    spec.inputs.push_back(value);
  }
  return graph.AddNode(std::move(spec));
}

absl::StatusOr<std::vector<Tensor>> ReferenceEvaluator::RunNode(const Node& node,
                                                                std::span<const Tensor> inputs) {
  absl::StatusOr<std::vector<Tensor>> outputs = Evaluate(node, inputs, key_);
  if (!outputs.ok()) return Annotate(outputs.status(), node.Describe());
  return outputs;
}

absl::StatusOr<std::vector<Tensor>> ReferenceEvaluator::RunValues(const Graph& graph,
                                                                  const TensorMap& feeds,
                                                                  std::span<const Value> values) {
  for (const Value& value : values) {
    if (value.null() || graph.Find(value.node->name()) != value.node || value.index < 0 ||
        value.index >= value.node->num_outputs()) {
      return absl::InvalidArgumentError("expected values of this graph, got another");
    }
  }
  WEFT_RETURN_IF_ERROR(CheckFeeds(graph, feeds));
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings symbols, BindingsFromFeeds(graph, feeds));
  if (symbols.empty()) return Run(graph, feeds, *this).Values(values);
  NodeMap map;
  WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph, symbols, {}, &map));
  std::vector<Value> bound_values;
  for (const Value& value : values) bound_values.push_back({map.at(value.node), value.index});
  return Run(bound, feeds, *this).Values(bound_values);
}

absl::StatusOr<TensorMap> ReferenceEvaluator::RunGraph(const Graph& graph, const TensorMap& feeds) {
  std::vector<Value> values;
  for (const NamedValue& output : graph.outputs()) values.push_back(output.value);
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> tensors, RunValues(graph, feeds, values));
  TensorMap result;
  for (size_t i = 0; i < tensors.size(); ++i) result[graph.outputs()[i].name] = tensors[i];
  return result;
}

}  // namespace weft
