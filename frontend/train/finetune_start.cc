#include "frontend/train/finetune_start.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "graph/emitter.h"

namespace weft {
namespace {

absl::Status CheckRate(std::string_view what, double rate) {
  if (rate >= 0 && rate < 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(Absl(what), ": expected a number in [0,1), got ", rate));
}

// Of weights [out,in,k...], or [in,out,...] where the layer has them so.
Fans FansOfWeights(const Node& variable) {
  Fans fans = FansOf(LeafValue(variable).dims());
  for (const Use& use : variable.uses()) {
    const std::string_view op = use.user->op_name();
    const bool columns = op == "MatMul" || op == "ConvTranspose" ||
                         (op == "Gemm" && GetInt(use.user->attributes(), "transB") == 0);
    if (columns) return {.in = fans.out, .out = fans.in};
  }
  return fans;
}

// The dropout of StochasticDepth has one element an example.
bool DropsExamples(const Node& dropout) {
  const Shape& shape = dropout.type().shape;
  return shape.size() > 2 && std::all_of(shape.begin() + 1, shape.end(),
                                         [](const Dim& dim) { return dim == Dim(int64_t{1}); });
}

std::vector<Node*> Dropouts(Graph& graph, bool of_examples) {
  std::vector<Node*> found;
  for (Node& node : graph.nodes()) {
    if (node.op_name() == "Dropout" && DropsExamples(node) == of_examples) found.push_back(&node);
  }
  return found;
}

bool IsAncestor(const Node* ancestor, const Node* node) {
  std::vector<const Node*> stack = {node};
  std::unordered_set<const Node*> seen;
  while (!stack.empty()) {
    const Node* at = stack.back();
    stack.pop_back();
    if (at == ancestor) return true;
    for (const Value& v : at->inputs()) {
      if (!v.null() && !v.node->IsBefore(*ancestor) && seen.insert(v.node).second) {
        stack.push_back(v.node);
      }
    }
  }
  return false;
}

// What a shortcut carries: the value itself, or what its one convolution reads.
const Node* SourceOfShortcut(const Node* node) {
  if (node->op_name() == "BatchNormalization") node = node->input(0).node;
  if (node->op_name() != "Conv") return node;
  node = node->input(0).node;
  return node->op_name() == "AveragePool" ? node->input(0).node : node;
}

// Which input of an Add is the branch of a residual block; -1: it ends none.
int BranchOf(const Node& node) {
  if (node.op_name() != "Add" || node.type().rank() < 3 ||
      node.input(0).type() != node.input(1).type()) {
    return -1;
  }
  for (const int branch : {0, 1}) {
    const Node* inner = node.input(branch).node;
    const Node* shortcut = node.input(1 - branch).node;
    const Node* source = SourceOfShortcut(shortcut);
    const bool computed = inner->op_name() != kConstant && inner->op_name() != kVariable &&
                          source->op_name() != kConstant && source->op_name() != kVariable;
    // Two convolutions of one value beside each other are no block with a shortcut.
    const bool parallel = source != shortcut && SourceOfShortcut(inner) == source;
    if (computed && !parallel && source != inner && IsAncestor(source, inner)) return branch;
  }
  return -1;
}

absl::Status LeaveOutAt(Graph& graph, Node* add, int branch) {
  graph.SetInsertionPoint(add);
  Emitter e(graph, absl::StrCat(add->name(), "/depth"));
  const Value x = add->input(branch);
  Value slices = x;  // one element an example: only its shape is read
  for (int64_t axis = 1; axis < x.type().rank(); ++axis) {
    slices = e.Op("Gather", {slices, e.Ints({0})}, {{"axis", axis}});
  }
  const Value ones = e.Op("ExpandLike", {e.Scalar(1, x.type().dtype), slices});
  const auto stream = static_cast<int64_t>(HashName(add->name()));
  const Value mask = e.Op("Dropout", {ones}, {{"ratio", 0.0}, {"stream", stream}});
  const Value kept = e.Op("Mul", {x, mask});
  const Value sum = e.Op("Add", branch == 0 ? std::vector<Value>{kept, add->input(1)}
                                            : std::vector<Value>{add->input(0), kept});
  graph.SetInsertionPoint(nullptr);
  WEFT_RETURN_IF_ERROR(e.status());
  WEFT_RETURN_IF_ERROR(graph.ReplaceUses(add->output(), sum));
  const std::string name = add->name();
  graph.RemoveDeadNodes(add);
  return graph.Rename(sum.node, name);
}

absl::Status AddStochasticDepth(Graph& graph) {
  std::vector<std::pair<Node*, int>> blocks;
  for (Node& node : graph.nodes()) {
    const int branch = BranchOf(node);
    if (branch >= 0) blocks.emplace_back(&node, branch);
  }
  if (blocks.empty()) {
    return absl::InvalidArgumentError("stochastic depth: the model has no residual blocks");
  }
  for (const auto& [add, branch] : blocks) {
    WEFT_RETURN_IF_ERROR(LeaveOutAt(graph, add, branch));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InitReport> Start(Model& model, const StartOptions& options, uint64_t seed) {
  InitReport report;
  if (!options.init.empty()) {
    WEFT_ASSIGN_OR_RETURN(const Initializer init, ParseInitializer(options.init));
    WEFT_RETURN_IF_ERROR(Reinitialize(model, init, seed));
  }
  if (!options.init_from.empty()) {
    WEFT_ASSIGN_OR_RETURN(report, InitFrom(model, options.init_from));
  }
  if (options.replace_head != 0) {
    WEFT_RETURN_IF_ERROR(ReplaceHead(model, options.replace_head, seed));
  }
  if (options.dropout != -1) WEFT_RETURN_IF_ERROR(SetDropout(model, options.dropout));
  if (options.stochastic_depth != -1) {
    WEFT_RETURN_IF_ERROR(SetStochasticDepth(model, options.stochastic_depth));
  }
  return report;
}

absl::Status Reinitialize(Model& model, const Initializer& init, uint64_t seed) {
  for (Node* variable : model.graph.variables()) {
    if (!IsTrainable(*variable) || variable->type().rank() < 2) continue;
    const TensorType type = LeafValue(*variable).type();
    WEFT_ASSIGN_OR_RETURN(
        Tensor values, init.Make(type.dtype, LeafValue(*variable).dims(), FansOfWeights(*variable),
                                 seed, variable->name()));
    WEFT_RETURN_IF_ERROR(model.graph.SetLeafValue(variable, std::move(values)));
  }
  model.training.reset();
  return absl::OkStatus();
}

absl::Status SetDropout(Model& model, double ratio) {
  WEFT_RETURN_IF_ERROR(CheckRate("dropout", ratio));
  const std::vector<Node*> layers = Dropouts(model.graph, /*of_examples=*/false);
  if (layers.empty()) {
    return absl::InvalidArgumentError("dropout: the model has no dropout layers");
  }
  for (Node* layer : layers) {
    WEFT_RETURN_IF_ERROR(model.graph.SetAttribute(layer, "ratio", ratio));
  }
  return absl::OkStatus();
}

absl::Status SetStochasticDepth(Model& model, double rate) {
  WEFT_RETURN_IF_ERROR(CheckRate("stochastic depth", rate));
  if (Dropouts(model.graph, /*of_examples=*/true).empty()) {
    WEFT_RETURN_IF_ERROR(AddStochasticDepth(model.graph));
  }
  const std::vector<Node*> layers = Dropouts(model.graph, /*of_examples=*/true);
  for (size_t l = 0; l < layers.size(); ++l) {
    const double share = static_cast<double>(l + 1) / static_cast<double>(layers.size());
    WEFT_RETURN_IF_ERROR(model.graph.SetAttribute(layers[l], "ratio", rate * share));
  }
  return absl::OkStatus();
}

}  // namespace weft
