// The changes that every other change of a graph is made of. Each takes time for what it touches
// and tells an open transaction how it is taken back. An undo finds everything as the change left
// it, because later changes have been taken back before.

#include <utility>

#include "graph/graph.h"

namespace weft {
namespace {

// Room for ~190 insertions before one node, or ~12 each before the one before, until positions are
// dealt out anew.
constexpr int64_t kPositionGap = int64_t{1} << 36;
constexpr int64_t kShareOfGap = 8;

// The last element takes the place of the one at `slot`; `moved` is told. Back undoes it.
template <typename T, typename Moved>
void TakeOut(std::vector<T>& list, size_t slot, Moved moved) {
  std::swap(list[slot], list.back());
  moved(list[slot], slot);
  list.pop_back();
}
template <typename T, typename Moved>
void PutBack(std::vector<T>& list, size_t slot, T element, Moved moved) {
  list.push_back(element);
  std::swap(list[slot], list.back());
  moved(list.back(), list.size() - 1);
  moved(list[slot], slot);
}

}  // namespace

void Graph::Place(Node* node) {
  const auto next = std::next(node->self_);
  const int64_t before = node->self_ == nodes_.begin() ? 0 : std::prev(node->self_)->position_;
  node->position_ = next == nodes_.end() ? before + kPositionGap
                                         : before + (next->position_ - before) / kShareOfGap;
  if (node->position_ != before) return;
  int64_t position = 0;
  for (Node& each : nodes_) each.position_ = position += kPositionGap;
}

// --- Uses ---

std::vector<Use>& Graph::UsesOf(const Use& use) {
  const Value v = use.user->input(use.input);
  return v.node->outputs_[static_cast<size_t>(v.index)].uses;
}

size_t& Graph::SlotOf(const Use& use) {
  return use.user->use_slots_[static_cast<size_t>(use.input)];
}

void Graph::Link(const Use& use) {
  if (use.user->input(use.input).null()) return;
  std::vector<Use>& uses = UsesOf(use);
  SlotOf(use) = uses.size();
  uses.push_back(use);
}

void Graph::Unlink(const Use& use) {
  if (use.user->input(use.input).null()) return;
  TakeOut(UsesOf(use), SlotOf(use), [](const Use& moved, size_t slot) { SlotOf(moved) = slot; });
}

void Graph::Relink(const Use& use, size_t slot) {
  if (use.user->input(use.input).null()) return;
  PutBack(UsesOf(use), slot, use, [](const Use& moved, size_t to) { SlotOf(moved) = to; });
}

void Graph::SetInput(const Use& use, Value to) {
  Value& input = use.user->inputs_[static_cast<size_t>(use.input)];
  const Value from = input;
  const size_t slot = SlotOf(use);
  Unlink(use);
  input = to;
  Link(use);
  NoteChanged(use.user);
  NoteUnread(from);
  OnRevert([use, from, slot] {
    Unlink(use);
    use.user->inputs_[static_cast<size_t>(use.input)] = from;
    Relink(use, slot);
  });
}

// --- Gradient links ---

void Graph::LinkForward(Node* gradient) {
  if (gradient->forward_ == nullptr) return;
  gradient->gradient_slot_ = gradient->forward_->gradients_.size();
  gradient->forward_->gradients_.push_back(gradient);
}

void Graph::UnlinkForward(Node* gradient) {
  if (gradient->forward_ == nullptr) return;
  TakeOut(gradient->forward_->gradients_, gradient->gradient_slot_,
          [](Node* moved, size_t slot) { moved->gradient_slot_ = slot; });
}

void Graph::RelinkForward(Node* gradient, size_t slot) {
  if (gradient->forward_ == nullptr) return;
  PutBack(gradient->forward_->gradients_, slot, gradient,
          [](Node* moved, size_t to) { moved->gradient_slot_ = to; });
}

void Graph::SetForward(Node* gradient, Node* forward) {
  Node* const before = gradient->forward_;
  const size_t slot = gradient->gradient_slot_;
  UnlinkForward(gradient);
  gradient->forward_ = forward;
  LinkForward(gradient);
  OnRevert([gradient, before, slot] {
    UnlinkForward(gradient);
    gradient->forward_ = before;
    RelinkForward(gradient, slot);
  });
}

// --- Nodes ---

Node* Graph::Insert(Node filled_in) {
  const auto at = insertion_point_ == nullptr ? nodes_.end() : insertion_point_->self_;
  const auto self = nodes_.insert(at, std::move(filled_in));
  Node* const node = &*self;
  node->self_ = self;
  Place(node);
  by_name_.emplace(node->name_, node);
  node->use_slots_.resize(node->inputs_.size());
  for (int i = 0; i < node->num_inputs(); ++i) Link({node, i});
  LinkForward(node);
  NoteChanged(node);
  OnRevert([this, node] {
    UnlinkForward(node);
    for (int i = node->num_inputs(); i-- > 0;) Unlink({node, i});
    by_name_.erase(node->name_);
    nodes_.erase(node->self_);
  });
  return node;
}

bool Graph::IsDead(const Node& node) const {
  if (node.op_name() == kInput || node.is_updated_) return false;
  for (const Node::Output& output : node.outputs_) {
    if (!output.uses.empty() || !output.keepers.empty()) return false;
  }
  return true;
}

void Graph::Remove(Node* node) {
  for (int i = 0; i < node->num_inputs(); ++i) {
    Unlink({node, i});
    NoteUnread(node->input(i));
  }
  while (!node->gradients_.empty()) SetForward(node->gradients_.back(), nullptr);
  UnlinkForward(node);
  by_name_.erase(node->name_);
  if (insertion_point_ == node) insertion_point_ = nullptr;
  const auto next = std::next(node->self_);
  removed_.splice(removed_.end(), nodes_, node->self_);
  node->position_ = 0;
  NoteRemoved(node);
  OnRevert([this, node, next] {
    nodes_.splice(next, removed_, node->self_);
    Place(node);
    by_name_.emplace(node->name_, node);
    RelinkForward(node, node->gradient_slot_);
    for (int i = node->num_inputs(); i-- > 0;) Relink({node, i}, SlotOf({node, i}));
  });
}

void Graph::ReleaseRemoved() {
  if (log_ == nullptr) removed_.clear();
}

int Graph::RemoveDeadNodes() {
  const size_t before = nodes_.size();
  // Readers come after what they read, so that a sweep from the end finds them gone.
  for (auto it = nodes_.end(); it != nodes_.begin();) {
    Node* node = &*--it;
    if (!IsDead(*node)) continue;
    ++it;
    Remove(node);
  }
  ReleaseRemoved();
  return static_cast<int>(before - nodes_.size());
}

int Graph::RemoveDeadNodes(Node* node) {
  const size_t before = nodes_.size();
  std::vector<Node*> pending = {node};
  while (!pending.empty()) {
    Node* const dead = pending.back();
    pending.pop_back();
    // An operand that was read twice is named twice.
    if (dead->position_ == 0 || !IsDead(*dead)) continue;
    Remove(dead);
    for (const Value& v : dead->inputs_) {
      if (v) pending.push_back(v.node);
    }
  }
  ReleaseRemoved();
  return static_cast<int>(before - nodes_.size());
}

}  // namespace weft
