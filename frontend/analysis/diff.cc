#include "frontend/analysis/diff.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/op.h"

namespace weft {
namespace {

constexpr size_t kMostShown = 8;  // names of one line
constexpr const char* kOpChange = "op: ";

bool ComputesNothing(const Node& node) { return node.op().evaluate == nullptr; }

std::string ShownNames(std::vector<std::string> names) {
  const size_t count = names.size();
  if (count > kMostShown) {
    names.resize(kMostShown - 1);
    names.push_back(absl::StrCat(count - names.size(), " more"));
  }
  return absl::StrJoin(names, ", ");
}

// The nodes of the first graph by the names that nodes of the second one know them by.
class Origins {
 public:
  Origins(const Graph& a, const Graph& b) : a_(a), b_(b) {
    for (const Node& node : a.nodes()) {
      for (const std::string& source : node.provenance().sources) {
        if (source != node.name()) rewritten_[source].push_back(&node);
      }
    }
  }

  std::vector<const Node*> Of(const Node& b) const {
    const Node* namesake = a_.Find(b.name());
    if (namesake != nullptr && namesake->provenance() == b.provenance()) return {namesake};
    std::vector<const Node*> origins;
    const auto add = [&](const Node* node) {
      if (node == nullptr || std::find(origins.begin(), origins.end(), node) != origins.end()) {
        return;
      }
      origins.push_back(node);
    };
    const bool is_weight = namesake != nullptr && ComputesNothing(*namesake) && ComputesNothing(b);
    if (is_weight || b.provenance().sources.empty()) add(namesake);
    for (const std::string& source : b.provenance().sources) {
      add(a_.Find(source));
      const auto it = rewritten_.find(source);
      if (it == rewritten_.end()) continue;
      for (const Node* node : it->second) {
        if (ComputesNothing(*node) == ComputesNothing(b)) add(node);
      }
    }
    return origins;
  }

  // Whether `after`, of the second graph, is what became of `before`. What both have a node of that
  // name for is that node's; else it may be that of any that came from it.
  bool Continues(Value before, Value after) const {
    const Node* namesake = b_.Find(before.node->name());
    if (namesake != nullptr && !ComputesNothing(*namesake)) {
      return after.node == namesake && after.index == before.index;
    }
    if (after.node->provenance().sources.empty()) return false;
    const std::vector<const Node*> from = Of(*after.node);
    return std::find(from.begin(), from.end(), before.node) != from.end();
  }

 private:
  const Graph &a_, &b_;
  std::unordered_map<std::string, std::vector<const Node*>> rewritten_;
};

std::string Shown(const AttributeMap& attributes, const std::string& name) {
  const auto it = attributes.find(name);
  return it == attributes.end() ? "none" : it->second.ToString();
}

// What an op lacks that took the place of another says nothing, nor does what is empty in it.
void CompareAttributes(const Node& a, const Node& b, NodeDiff& diff) {
  std::set<std::string> names;
  for (const auto& [name, value] : b.attributes()) names.insert(name);
  if (a.op_name() == b.op_name()) {
    for (const auto& [name, value] : a.attributes()) names.insert(name);
  }
  if (!LeafValue(a).is_empty() || !LeafValue(b).is_empty()) names.erase("value");
  for (const std::string& name : names) {
    const auto in_a = a.attributes().find(name), in_b = b.attributes().find(name);
    const bool same = in_a != a.attributes().end() && in_b != b.attributes().end() &&
                      in_a->second == in_b->second;
    const bool is_new_op = a.op_name() != b.op_name() && in_a == a.attributes().end();
    if (same || (is_new_op && Shown(b.attributes(), name) == "[]")) continue;
    diff.changes.push_back(
        absl::StrCat(name, ": ", Shown(a.attributes(), name), " -> ", Shown(b.attributes(), name)));
  }
}

void CompareTypes(const Node& a, const Node& b, NodeDiff& diff) {
  for (int i = 0; i < std::min(a.num_outputs(), b.num_outputs()); ++i) {
    if (a.type(i) == b.type(i)) continue;
    diff.changes.push_back(
        absl::StrCat("type: ", ToString(a.type(i)), " -> ", ToString(b.type(i))));
  }
}

void CompareValues(const Node& a, const Node& b, NodeDiff& diff) {
  const Tensor &x = LeafValue(a), &y = LeafValue(b);
  if (x.is_empty() || y.is_empty() || x.type() != y.type()) return;
  ValueChange change{.elements = x.size()};
  for (int64_t i = 0; i < x.size(); ++i) {
    const double before = x.At(i), after = y.At(i);
    // Beyond 2^53, different integers may be one double.
    const size_t size = SizeOf(x.dtype()), at = static_cast<size_t>(i) * size;
    const bool same_bytes = std::memcmp(x.data() + at, y.data() + at, size) == 0;
    const bool same = kFloatTypes.contains(x.dtype())
                          ? before == after || (std::isnan(before) && std::isnan(after))
                          : same_bytes;
    if (same) continue;
    ++change.differing;
    const double difference = std::abs(before - after);
    if (!(difference <= change.largest)) change.largest = difference;
  }
  if (change.differing > 0) diff.value = change;
}

std::string InputNames(const Node& node) {
  std::vector<std::string> names;
  for (const Value& input : node.inputs()) names.push_back(input.ToString());
  return absl::StrCat("(", absl::StrJoin(names, ", "), ")");
}

// A rewritten node stands for those that it came from: what it has become is told of itself, not of
// each that reads it.
bool ReadTheSame(const Node& a, const Node& b, const Origins& origins) {
  if (a.num_inputs() != b.num_inputs()) return false;
  for (int i = 0; i < a.num_inputs(); ++i) {
    const Value before = a.input(i), after = b.input(i);
    if (before.ToString() == after.ToString()) continue;
    if (before.null() || after.null() || !origins.Continues(before, after)) return false;
  }
  return true;
}

// `a`: what stands for the node in the first graph. A weight that was computed from nodes is none
// of them.
void Compare(const Node& a, const Node& b, const Origins& origins, NodeDiff& diff) {
  if (ComputesNothing(a) != ComputesNothing(b)) return;
  if (a.op_name() != b.op_name()) {
    diff.changes.push_back(absl::StrCat(kOpChange, Absl(a.op_name()), " -> ", Absl(b.op_name())));
  }
  CompareAttributes(a, b, diff);
  CompareTypes(a, b, diff);
  CompareValues(a, b, diff);
  if (ReadTheSame(a, b, origins)) return;
  diff.changes.push_back(absl::StrCat("inputs: ", InputNames(a), " -> ", InputNames(b)));
}

std::string ValueText(const ValueChange& value) {
  return absl::StrCat(value.differing, " of ", value.elements, " elements differ, by at most ",
                      value.largest);
}

std::string HeadOf(const NodeDiff& node) {
  const std::string self = absl::StrCat(node.name, " (", node.op, ")");
  if (node.rule.empty()) return self;
  return absl::StrCat(self, " <- ", node.from.empty() ? "nothing" : absl::StrJoin(node.from, " + "),
                      " by ", node.rule);
}

}  // namespace

GraphDiff Diff(const Graph& a, const Graph& b) {
  GraphDiff diff;
  const Origins origins(a, b);
  std::unordered_set<const Node*> continued;
  for (const Node& node : b.nodes()) {
    const std::vector<const Node*> from = origins.Of(node);
    continued.insert(from.begin(), from.end());
    if (from.empty()) {
      diff.only_b.push_back(node.Describe());
      continue;
    }
    NodeDiff change{.name = node.name(), .op = std::string(node.op_name())};
    for (const Node* origin : from) change.from.push_back(origin->Describe());
    const bool rewritten = from.size() > 1 || from[0]->provenance() != node.provenance();
    if (rewritten) change.rule = node.provenance().rule;
    const auto itself = std::find_if(from.begin(), from.end(), [&](const Node* origin) {
      return origin->name() == node.name();
    });
    Compare(itself == from.end() ? *from[0] : **itself, node, origins, change);
    if (!rewritten && change.changes.empty() && !change.value) {
      ++diff.equal;
    } else {
      diff.changed.push_back(std::move(change));
    }
  }
  for (const Node& node : a.nodes()) {
    if (!continued.contains(&node)) diff.only_a.push_back(node.Describe());
  }
  return diff;
}

std::string GraphDiff::ToString() const {
  std::string text;
  std::map<std::vector<std::string>, std::vector<std::string>> alike;  // names by their changes
  for (const NodeDiff& node : changed) {
    if (node.rule.empty() && !node.value) alike[node.changes].push_back(node.name);
  }
  const auto add_changes = [&](const NodeDiff& node) {
    for (const std::string& change : node.changes) {
      const bool is_in_head = !node.rule.empty() && change.starts_with(kOpChange);
      if (!is_in_head) absl::StrAppend(&text, "  ", change, "\n");
    }
  };
  for (const NodeDiff& node : changed) {
    const auto group = alike.find(node.changes);
    const bool is_alike = node.rule.empty() && !node.value;
    if (is_alike && group->second[0] != node.name) continue;
    absl::StrAppend(&text,
                    is_alike && group->second.size() > 1 ? ShownNames(group->second) : HeadOf(node),
                    "\n");
    add_changes(node);
    if (node.value) absl::StrAppend(&text, "  ", ValueText(*node.value), "\n");
  }
  if (!only_a.empty()) absl::StrAppend(&text, "only in the first: ", ShownNames(only_a), "\n");
  if (!only_b.empty()) absl::StrAppend(&text, "only in the second: ", ShownNames(only_b), "\n");
  absl::StrAppend(&text, equal, equal == 1 ? " node is equal, " : " nodes are equal, ",
                  changed.size(), " changed, ", only_a.size(), " only in the first, ",
                  only_b.size(), " only in the second\n");
  return text;
}

}  // namespace weft
