#include "passes/worklist.h"

#include <algorithm>
#include <functional>

#include "graph/op.h"

namespace weft {

Worklist::Worklist(PassContext& context, const Interest& interest)
    : context_(context), reach_(interest.reach), takes_all_(interest.ops.empty()) {
  for (const std::string& op : interest.ops) {
    if (const OpDef* def = context.graph().registry().Find(op)) ops_.push_back(def);
  }
  for (Node& node : context.graph().nodes()) Add(&node);
  context_.news_.Subscribe(this);
}

Worklist::~Worklist() { context_.news_.Unsubscribe(this); }

Node* Worklist::Next() {
  Node* node = Top(ahead_);
  if (node == nullptr) {
    StartOver();
    node = Top(ahead_);
  }
  if (node == nullptr) return nullptr;
  const Entry entry = Pop(ahead_);
  waits_[static_cast<size_t>(entry.number)] = false;
  at_ = entry.position;
  context_.CountLook();
  return node;
}

bool Worklist::empty() { return Top(ahead_) == nullptr && Top(behind_) == nullptr; }

void Worklist::StartOver() {
  at_ = 0;
  if (ahead_.empty()) return ahead_.swap(behind_);
  for (const Entry& entry : behind_) {
    ahead_.push_back(entry);
    std::push_heap(ahead_.begin(), ahead_.end(), std::greater<>());
  }
  behind_.clear();
}

void Worklist::Add(Node* node) {
  if (!takes_all_ && std::find(ops_.begin(), ops_.end(), &node->op()) == ops_.end()) return;
  Put(node, context_.news_.NumberOf(node));
}

void Worklist::Put(Node* node, int number) {
  const auto index = static_cast<size_t>(number);
  if (index >= waits_.size()) waits_.resize(std::max(index + 1, 2 * waits_.size()));
  if (waits_[index]) return;
  waits_[index] = true;
  Heap& heap = node->position() > at_ ? ahead_ : behind_;
  heap.push_back({node->position(), number});
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

void Worklist::Forget(const Node* node) {
  const auto index = static_cast<size_t>(context_.news_.Find(node));
  if (index < waits_.size()) waits_[index] = false;
}

Node* Worklist::Top(Heap& heap) {
  while (!heap.empty()) {
    const int number = heap.front().number;
    Node* node = context_.news_.At(number);
    if (node != nullptr && waits_[static_cast<size_t>(number)]) return node;
    Pop(heap);
  }
  return nullptr;
}

Worklist::Entry Worklist::Pop(Heap& heap) {
  std::pop_heap(heap.begin(), heap.end(), std::greater<>());
  const Entry entry = heap.back();
  heap.pop_back();
  return entry;
}

}  // namespace weft
