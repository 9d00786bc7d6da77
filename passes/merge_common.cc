// Common subexpressions: of nodes with the same op, attributes and inputs the first computes for
// all.
//
//   x -> pool1 -> conv1                   x -> pool1 -> conv1
//   x -> pool2 -> conv2             =>               \-> conv2
//
// Constants are compared by content. A random op's stream is an attribute, so that draws from
// different streams stay apart; variables and inputs are what they are by name, and never merge.

#include <algorithm>
#include <unordered_set>

#include "absl/hash/hash.h"
#include "passes/pass.h"

namespace weft {
namespace {

constexpr std::string_view kName = "merge_common";

// Inputs in an order that is the same for a+b and b+a, within one run.
std::vector<Value> CanonicalInputs(const Node& node) {
  std::vector<Value> inputs(node.inputs().begin(), node.inputs().end());
  if (node.op_name() == "Add" || node.op_name() == "Mul") {
    std::sort(inputs.begin(), inputs.end(), [](const Value& a, const Value& b) {
      return std::less<const Node*>()(a.node, b.node) || (a.node == b.node && a.index < b.index);
    });
  }
  return inputs;
}

// Of a large tensor the first bytes tell it from most others; equality compares them all.
size_t HashOf(const Attribute& attribute) {
  const auto* tensor = std::get_if<Tensor>(&attribute.value);
  if (tensor == nullptr) return absl::HashOf(attribute.ToString());
  const absl::string_view bytes(reinterpret_cast<const char*>(tensor->data()),
                                std::min<size_t>(tensor->bytes(), 4096));
  return absl::HashOf(static_cast<int>(tensor->dtype()), tensor->dims(), bytes);
}

struct HashNode {
  size_t operator()(const Node* node) const {
    size_t hash = absl::HashOf(&node->op(), node->num_outputs(), CanonicalInputs(*node));
    for (const auto& [name, value] : node->attributes()) {
      hash = absl::HashOf(hash, name, HashOf(value));
    }
    return hash;
  }
};

struct SameComputation {
  bool operator()(const Node* a, const Node* b) const {
    return &a->op() == &b->op() && SameTypes(*a, *b) &&
           CanonicalInputs(*a) == CanonicalInputs(*b) && a->attributes() == b->attributes();
  }
  // A dim that only a run can know is named after its node, and nobody knows that two are equal.
  static bool SameTypes(const Node& a, const Node& b) {
    bool same = a.num_outputs() == b.num_outputs();
    for (int i = 0; same && i < a.num_outputs(); ++i) same = a.type(i) == b.type(i);
    return same;
  }
};

absl::Status Merge(Node* node, Node* into, PassContext& context) {
  Graph& graph = context.graph();
  Node* const both[] = {into, node};
  const Provenance from = context.From(kName, both);
  for (int i = 0; i < node->num_outputs(); ++i) {
    WEFT_RETURN_IF_ERROR(graph.ReplaceUses(node->output(i), into->output(i)));
  }
  graph.MoveGradientLinks(node, into);
  return context.Record(from, std::span(both).first(1));
}

absl::Status Run(PassContext& context) {
  context.graph().RemoveDeadNodes();
  std::unordered_set<Node*, HashNode, SameComputation> seen;
  // One sweep is enough: what a node reads has been merged before the node is looked at.
  for (Node& node : context.graph().nodes()) {
    if (context.done()) break;
    if (node.op_name() == kInput || node.op_name() == kVariable) continue;
    auto [first, is_new] = seen.insert(&node);
    if (!is_new) WEFT_RETURN_IF_ERROR(Merge(&node, *first, context));
  }
  context.graph().RemoveDeadNodes();
  return absl::OkStatus();
}

}  // namespace

Pass MergeCommon() { return {kName, "compute equal nodes once", Run}; }

}  // namespace weft
