// Common subexpressions: of nodes with the same op, attributes and inputs the first computes for
// all.
//
//   x -> pool1 -> conv1                   x -> pool1 -> conv1
//   x -> pool2 -> conv2             =>               \-> conv2
//
// Constants are compared by content. A random op's stream is an attribute, so that draws from
// different streams stay apart; variables and inputs are what they are by name, and never merge.

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "absl/hash/hash.h"
#include "graph/op.h"
#include "passes/clean/clean.h"
#include "passes/pass.h"
#include "passes/worklist.h"

namespace weft {
namespace {

// Inputs in an order that is the same for a+b and b+a, within one run.
std::vector<Value> CanonicalInputs(const Node& node) {
  std::vector<Value> inputs(node.inputs().begin(), node.inputs().end());
  if (node.op().traits.commutative) {
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

size_t HashOf(const Node& node) {
  size_t hash = absl::HashOf(&node.op(), node.num_outputs(), CanonicalInputs(node));
  for (const auto& [name, value] : node.attributes()) {
    hash = absl::HashOf(hash, name, HashOf(value));
  }
  return hash;
}

// A dim that only a run can know is named after its node, and nobody knows that two are equal.
bool HaveSameTypes(const Node& a, const Node& b) {
  bool same = a.num_outputs() == b.num_outputs();
  for (int i = 0; same && i < a.num_outputs(); ++i) same = a.type(i) == b.type(i);
  return same;
}

bool ComputeTheSame(const Node& a, const Node& b) {
  return &a.op() == &b.op() && HaveSameTypes(a, b) && CanonicalInputs(a) == CanonicalInputs(b) &&
         a.attributes() == b.attributes();
}

class MergeRun : public PassRun {
 public:
  explicit MergeRun(PassContext& context)
      : context_(context), graph_(context.graph()), worklist_(context, {}) {}

  absl::Status Run() override {
    worklist_.StartOver();
    while (!context_.done()) {
      Node* node = worklist_.Next();
      if (node == nullptr) break;
      if (node->op_name() == kInput || node->op_name() == kVariable) continue;
      const size_t hash = HashOf(*node);
      Node* same = FindSame(hash, *node);
      if (same == nullptr) {
        seen_.emplace(hash, node->name());
      } else if (same->IsBefore(*node)) {
        WEFT_RETURN_IF_ERROR(Merge(node, same));
      } else if (same != node) {
        seen_.emplace(hash, node->name());
        WEFT_RETURN_IF_ERROR(Merge(same, node));
      }
    }
    return absl::OkStatus();
  }

 private:
  // The node seen before that computes what `node` does; it may be `node` itself.
  Node* FindSame(size_t hash, const Node& node) const {
    const auto [begin, end] = seen_.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      Node* seen = graph_.Find(it->second);
      if (seen != nullptr && ComputeTheSame(*seen, node)) return seen;
    }
    return nullptr;
  }

  absl::Status Merge(Node* node, Node* into) {
    Graph::Transaction change(graph_);
    Node* const both[] = {into, node};
    const Provenance from = context_.From(kMergeCommon, both);
    for (int i = 0; i < node->num_outputs(); ++i) {
      WEFT_RETURN_IF_ERROR(graph_.ReplaceUses(node->output(i), into->output(i)));
    }
    graph_.MoveGradientLinks(node, into);
    graph_.RemoveDeadNodes(node);
    return context_.Record(from, std::span(both).first(1), change);
  }

  PassContext& context_;
  Graph& graph_;
  Worklist worklist_;
  // By hash the names of nodes that have been looked at. One that has changed since, or whose name
  // another node has now, is on the worklist; until then it is compared as it is.
  std::unordered_multimap<size_t, std::string> seen_;
};

}  // namespace

Pass MergeCommon() {
  return {kMergeCommon, "compute equal nodes once",
          [](PassContext& context) { return std::make_unique<MergeRun>(context); }};
}

}  // namespace weft
