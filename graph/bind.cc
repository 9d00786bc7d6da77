#include "graph/bind.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "graph/evaluate.h"

namespace weft {
namespace {

absl::Status BindShape(const std::string& input, const TensorType& type, const Dims& dims,
                       SymbolBindings& bindings) {
  if (dims.size() != type.shape.size()) {
    return absl::InvalidArgumentError(absl::StrCat("input ", input, ": expected ", ToString(type),
                                                   ", got dims ", ToString(dims)));
  }
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const Dim& dim = type.shape[axis];
    auto fail = [&](const std::string& expected) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input ", input, ", axis ", axis, ": expected ", expected, ", got ", dims[axis]));
    };
    if (dim.symbols().size() > 1) {
      // A product is checked once its factors are known from elsewhere.
      auto value = dim.Substitute(bindings);
      if (value.ok() && value->is_static() && value->coefficient() != dims[axis]) {
        return fail(absl::StrCat(dim.ToString(), " = ", value->coefficient()));
      }
      continue;
    }
    if (dim.is_static()) {
      if (dim.coefficient() != dims[axis]) return fail(dim.ToString());
      continue;
    }
    if (dims[axis] < 0 || dims[axis] % dim.coefficient() != 0) {
      return fail(absl::StrCat("a multiple of ", dim.coefficient(), " (", dim.ToString(), ")"));
    }
    const int64_t value = dims[axis] / dim.coefficient();
    auto [it, first] = bindings.try_emplace(dim.symbols()[0], value);
    if (!first && it->second != value) {
      return fail(absl::StrCat(dim.ToString(), " with ", it->first, " = ", it->second));
    }
  }
  return absl::OkStatus();
}

// What a copy makes constants of.
enum class Fold { kNothing, kNewlyKnown, kKnown };

// The value of the copy of `node` that `spec` describes, where it depends on nothing but constants
// and known shapes.
std::optional<Tensor> ValueOfCopy(const Node& node, NodeSpec spec, Fold fold,
                                  const OpRegistry& registry, KnownBudget& budget) {
  // An Identity is how a constant gets a second name.
  if (fold == Fold::kNothing || node.op_name() == "Identity") return std::nullopt;
  if (!IsKnown(node.op(), spec.inputs)) return std::nullopt;
  if (fold == Fold::kNewlyKnown && IsKnown(node.op(), node.inputs())) return std::nullopt;
  Graph scratch(registry);
  for (Value& v : spec.inputs) {
    if (v.null()) continue;
    const Tensor* constant = ConstantValue(v);
    const auto leaf = constant != nullptr ? scratch.AddConstant("constant", *constant)
                                          : scratch.AddInput("shape", v.type());
    if (!leaf.ok()) return std::nullopt;
    v = *leaf;
  }
  spec.forward = nullptr;
  const absl::StatusOr<Node*> copy = scratch.AddNode(std::move(spec));
  return copy.ok() ? KnownOutput(**copy, budget) : std::nullopt;
}

absl::StatusOr<Node*> CopyNode(const Node& node, Graph& target, const SymbolBindings& symbols,
                               const TensorMap& constants, Fold fold, KnownBudget& budget,
                               const NodeMap& map) {
  if (node.op_name() == kInput) {
    WEFT_ASSIGN_OR_RETURN(Shape shape, Substitute(node.type().shape, symbols));
    TensorType type{node.type().dtype, std::move(shape)};
    auto constant = constants.find(node.name());
    if (constant == constants.end()) {
      WEFT_ASSIGN_OR_RETURN(Value value, target.AddInput(node.name(), std::move(type)));
      return value.node;
    }
    SymbolBindings none;
    WEFT_RETURN_IF_ERROR(BindShape(node.name(), type, constant->second.dims(), none));
    if (constant->second.dtype() != type.dtype) {
      return absl::InvalidArgumentError(absl::StrCat("input ", node.name(), ": expected ",
                                                     ToString(type), ", got ",
                                                     ToString(constant->second.type())));
    }
    WEFT_ASSIGN_OR_RETURN(Value value, target.AddConstant(node.name(), constant->second));
    return value.node;
  }
  NodeSpec spec = SpecOfCopy(node, map);
  // The forward node may have become a constant.
  if (spec.forward != nullptr && &spec.forward->op() != &node.forward()->op()) {
    spec.forward = nullptr;
  }
  if (std::optional<Tensor> value = ValueOfCopy(node, spec, fold, target.registry(), budget)) {
    WEFT_ASSIGN_OR_RETURN(Value constant, target.AddConstant(node.name(), *std::move(value)));
    return constant.node;
  }
  return target.AddNode(std::move(spec));
}

// Dims called after their formulas, (floor(H/2)), have one value wherever they are.
bool IsFormula(const Dim& dim) {
  return dim.coefficient() == 1 && dim.symbols().size() == 1 && dim.symbols()[0].starts_with("(");
}

// Whether the dims of a copy are those that the node's formulas give. Inference took dims to agree
// whose equality only their values show (N and M in x[N] + y[M]). Formulas that are new become
// `known`.
absl::Status CheckAgreedDims(const Node& node, const Node& copy, SymbolBindings& known) {
  for (int i = 0; i < node.num_outputs(); ++i) {
    const Shape &shape = node.type(i).shape, &found = copy.type(i).shape;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis].is_static() || !found[axis].is_static()) continue;
      WEFT_ASSIGN_OR_RETURN(const Dim expected, shape[axis].Substitute(known));
      if (!expected.is_static() && IsFormula(shape[axis])) {
        known.emplace(shape[axis].symbols()[0], found[axis].coefficient());
      }
      if (!expected.is_static() || expected == found[axis]) continue;
      std::string operands;
      for (const Value& v : node.inputs()) {
        if (v) absl::StrAppend(&operands, operands.empty() ? "" : " and ", v.node->name());
      }
      return absl::InvalidArgumentError(absl::StrCat(
          node.Describe(), ", axis ", axis, ": expected ", shape[axis].ToString(), " = ",
          expected.coefficient(), ", got ", found[axis].ToString(), "; operands ", operands));
    }
  }
  return absl::OkStatus();
}

using NodeSet = std::unordered_set<const Node*>;

// The nodes that outputs need: losses, or the others together with the updates.
NodeSet NeededBy(const Graph& graph, bool losses) {
  NodeSet needed;
  for (const NamedValue& output : losses ? graph.losses() : graph.outputs()) {
    needed.insert(output.value.node);
  }
  for (const Update& update : graph.updates()) {
    if (!losses) needed.insert({update.variable, update.value.node});
  }
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (!needed.contains(&*node)) continue;
    for (const Value& v : node->inputs()) needed.insert(v.node);
    needed.insert(node->forward());
  }
  return needed;
}

// Where `nodes_of_losses` are given, without them and without the losses.
absl::StatusOr<Graph> Copy(const Graph& graph, const SymbolBindings& symbols,
                           const TensorMap& constants, Fold fold, NodeMap* map,
                           const NodeSet* nodes_of_losses = nullptr) {
  Graph result(graph.registry());
  NodeMap copies;
  SymbolBindings known = symbols;
  KnownBudget budget;
  for (const Node& node : graph.nodes()) {
    if (nodes_of_losses != nullptr && nodes_of_losses->contains(&node)) continue;
    WEFT_ASSIGN_OR_RETURN(Node * copy,
                          CopyNode(node, result, symbols, constants, fold, budget, copies));
    if (!known.empty()) WEFT_RETURN_IF_ERROR(CheckAgreedDims(node, *copy, known));
    copies.emplace(&node, copy);
  }
  const auto copied = [&](Value v) { return copies.at(v.node)->output(v.index); };
  for (const NamedValue& output : graph.outputs()) {
    WEFT_RETURN_IF_ERROR(result.AddOutput(output.name, copied(output.value)));
  }
  if (nodes_of_losses == nullptr) {
    for (const NamedValue& loss : graph.losses()) {
      WEFT_RETURN_IF_ERROR(result.AddLoss(loss.name, copied(loss.value)));
    }
  }
  for (const Update& update : graph.updates()) {
    WEFT_RETURN_IF_ERROR(result.AddUpdate(copies.at(update.variable), copied(update.value)));
  }
  if (map != nullptr) *map = std::move(copies);
  return result;
}

}  // namespace

NodeSpec SpecOfCopy(const Node& node, const NodeMap& copies) {
  NodeSpec spec = node.Spec();
  for (Value& v : spec.inputs) v = CopyOf(v, copies);
  if (spec.forward != nullptr) spec.forward = copies.at(spec.forward);
  return spec;
}

absl::StatusOr<Graph> Bind(const Graph& graph, const SymbolBindings& symbols,
                           const TensorMap& constants, NodeMap* map) {
  for (const auto& [name, tensor] : constants) {
    Node* input = graph.Find(name);
    if (input == nullptr || input->op_name() != kInput) {
      return absl::NotFoundError(absl::StrCat("the graph has no input called '", name, "'"));
    }
    if (tensor.is_empty()) {
      return absl::InvalidArgumentError(absl::StrCat("input ", name, ": got an empty tensor"));
    }
  }
  // Exact copies stay exact: only what the bindings make known becomes a constant, so that what a
  // graph computes from Shape decides the shapes after it.
  const bool exact = symbols.empty() && constants.empty();
  return Copy(graph, symbols, constants, exact ? Fold::kNothing : Fold::kNewlyKnown, map);
}

absl::StatusOr<Graph> FoldKnown(const Graph& graph, NodeMap* map) {
  return Copy(graph, {}, {}, Fold::kKnown, map);
}

Graph Clone(const Graph& graph, NodeMap* map) {
  // What was well-typed once is well-typed again.
  return Bind(graph, {}, {}, map).value();
}

NodeSet NodesOfLosses(const Graph& graph) {
  NodeSet nodes = NeededBy(graph, /*losses=*/true);
  for (const Node* node : NeededBy(graph, /*losses=*/false)) nodes.erase(node);
  return nodes;
}

Graph WithoutLosses(const Graph& graph) {
  // What was well-typed once is well-typed again.
  const NodeSet nodes = NodesOfLosses(graph);
  return Copy(graph, {}, {}, Fold::kNothing, nullptr, &nodes).value();
}

absl::StatusOr<SymbolBindings> BindingsFromDims(
    const Graph& graph, const std::map<std::string, Dims, std::less<>>& dims) {
  SymbolBindings bindings;
  // Twice: a product such as N*T may stand before the inputs that give its factors.
  for (int round = 0; round < 2; ++round) {
    for (const Node* input : graph.inputs()) {
      auto it = dims.find(input->name());
      if (it == dims.end()) continue;
      WEFT_RETURN_IF_ERROR(BindShape(input->name(), input->type(), it->second, bindings));
    }
  }
  return bindings;
}

absl::StatusOr<SymbolBindings> BindingsFromFeeds(const Graph& graph, const TensorMap& feeds) {
  std::map<std::string, Dims, std::less<>> dims;
  for (const Node* input : graph.inputs()) {
    auto it = feeds.find(input->name());
    if (it == feeds.end()) continue;
    if (it->second.is_empty() || it->second.dtype() != input->type().dtype) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", input->name(), ": expected ", ToString(input->type()), ", got ",
                       it->second.is_empty() ? "an empty tensor" : ToString(it->second.type())));
    }
    dims.emplace(input->name(), it->second.dims());
  }
  return BindingsFromDims(graph, dims);
}

SymbolBindings BindAllSymbols(const Graph& graph, int64_t size) {
  SymbolBindings symbols;
  for (const Node* input : graph.inputs()) {
    for (const Dim& dim : input->type().shape) {
      for (const std::string& symbol : dim.symbols()) symbols[symbol] = size;
    }
  }
  return symbols;
}

}  // namespace weft
