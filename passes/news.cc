#include "passes/news.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "passes/worklist.h"

namespace weft {
namespace {

// Rules may ask who reads a value only where so few do.
constexpr size_t kFewReaders = 4;

}  // namespace

void News::Subscribe(Worklist* worklist) {
  if (worklist->takes_all_) of_all_.push_back(worklist);
  for (const OpDef* op : worklist->ops_) of_op_[op].push_back(worklist);
  reach_ = std::max(reach_, worklist->reach());
}

void News::Unsubscribe(Worklist* worklist) {
  std::erase(of_all_, worklist);
  for (const OpDef* op : worklist->ops_) std::erase(of_op_[op], worklist);
}

int News::NumberOf(Node* node) {
  const auto [it, is_new] = numbers_.try_emplace(node, static_cast<int>(nodes_.size()));
  if (is_new) nodes_.push_back(node);
  return it->second;
}

int News::Find(const Node* node) const {
  const auto it = numbers_.find(node);
  return it == numbers_.end() ? -1 : it->second;
}

void News::Offer(Node* node, int distance) {
  ++offered_;
  const int number = NumberOf(node);
  const auto offer_to = [&](const std::vector<Worklist*>& worklists) {
    for (Worklist* worklist : worklists) {
      if (distance <= worklist->reach()) worklist->Put(node, number);
    }
  };
  offer_to(of_all_);
  if (const auto interested = of_op_.find(&node->op()); interested != of_op_.end()) {
    offer_to(interested->second);
  }
}

int News::Announce(const Changes& changes) {
  offered_ = 0;
  for (const Node* node : changes.removed) {
    const auto it = numbers_.find(node);
    if (it == numbers_.end()) continue;
    nodes_[static_cast<size_t>(it->second)] = nullptr;
    numbers_.erase(it);
  }
  for (Node* node : changes.renamed) Offer(node, 0);
  std::vector<Node*> near = changes.changed;
  for (const Value& value : changes.unread) {
    Offer(value.node, 0);
    const auto uses = value.node->uses(value.index);
    for (size_t i = 0; i < uses.size() && uses.size() <= kFewReaders; ++i) {
      near.push_back(uses[i].user);
    }
  }
  absl::flat_hash_set<const Node*> seen;
  for (int distance = 0; distance <= reach_ && !near.empty(); ++distance) {
    std::vector<Node*> readers;
    for (Node* node : near) {
      if (!seen.insert(node).second) continue;
      Offer(node, distance);
      for (int i = 0; i < node->num_outputs() && distance < reach_; ++i) {
        for (const Use& use : node->uses(i)) readers.push_back(use.user);
      }
    }
    near = std::move(readers);
  }
  return offered_;
}

}  // namespace weft
