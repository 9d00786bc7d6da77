#include "passes/ledger.h"

#include <algorithm>

#include "graph/op.h"

namespace weft {

void AddWork(Work& sum, const Work& work) {
  sum.nodes += work.nodes;
  sum.macs += work.macs;
  sum.bytes += work.bytes;
}

bool MakesConstantsOnly(const Rewrite& rewrite) {
  return !rewrite.result_ops.empty() &&
         std::all_of(rewrite.result_ops.begin(), rewrite.result_ops.end(),
                     [](const std::string& op) { return op == kConstant; });
}

namespace {

void Subtract(Work& sum, const Work& work) { AddWork(sum, {-work.nodes, -work.macs, -work.bytes}); }

}  // namespace

Ledger::Ledger(const Graph& graph, const CostModel& costs) : costs_(costs) {
  for (const Node& node : graph.nodes()) {
    const Entry& entry = entries_[&node] = {Price(node), std::nullopt};
    AddWork(total_, entry.work);
  }
}

Work Ledger::Price(const Node& node) const {
  if (node.op().evaluate == nullptr) return {};  // a leaf
  const absl::StatusOr<Cost> cost = costs_.Price(node);
  return cost.ok() ? Work{1, cost->macs, cost->bytes} : Work{.nodes = 1};
}

void Ledger::Enter(const Changes& changes, size_t index, Rewrite* rewrite) {
  Work before, after;
  std::optional<size_t> cause;
  for (const Node* node : changes.removed) {
    const auto it = entries_.find(node);
    if (it == entries_.end()) continue;  // it came and went within the change
    AddWork(before, it->second.work);
    if (node->op().evaluate != nullptr) cause = std::max(cause, it->second.made_by);
    entries_.erase(it);
  }
  for (const Node* node : changes.changed) {
    const auto [it, is_new] = entries_.try_emplace(node);
    const Work work = Price(*node);
    if (!is_new && it->second.work == work) continue;
    if (!is_new) AddWork(before, it->second.work);
    AddWork(after, work);
    it->second.work = work;
    if (rewrite != nullptr) it->second.made_by = index;
  }
  Subtract(total_, before);
  AddWork(total_, after);
  if (rewrite == nullptr) return;
  rewrite->before = before;
  rewrite->after = after;
  if (MakesConstantsOnly(*rewrite)) rewrite->cause = cause;
}

}  // namespace weft
