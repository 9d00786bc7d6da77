#include "passes/worklist.h"

#include <algorithm>

#include "graph/op.h"

namespace weft {

Worklist::Worklist(PassContext& context, const Interest& interest)
    : context_(context), reach_(interest.reach), takes_all_(interest.ops.empty()) {
  for (const std::string& op : interest.ops) {
    if (const OpDef* def = context.graph().registry().Find(op)) ops_.push_back(def);
  }
  for (Node& node : context.graph().nodes()) Add(&node);
  context.worklists_.push_back(this);
}

Worklist::~Worklist() { std::erase(context_.worklists_, this); }

Node* Worklist::Next() {
  if (queue_.empty()) return nullptr;
  auto it = next_ == nullptr ? queue_.begin() : queue_.lower_bound(next_);
  if (it == queue_.end()) it = queue_.begin();
  Node* node = *it;
  queue_.erase(it);
  entries_.erase(node);
  context_.CountLook();
  next_ = context_.graph().After(node);
  return node;
}

void Worklist::Add(Node* node) {
  if (!takes_all_ && std::find(ops_.begin(), ops_.end(), &node->op()) == ops_.end()) return;
  const auto [it, is_new] = queue_.insert(node);
  if (is_new) entries_.emplace(node, it);
}

void Worklist::Forget(const Node* node) {
  if (node == next_) next_ = nullptr;
  const auto entry = entries_.find(node);
  if (entry == entries_.end()) return;
  queue_.erase(entry->second);
  entries_.erase(entry);
}

}  // namespace weft
