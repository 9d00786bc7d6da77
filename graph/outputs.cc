// What the graph itself reads: its outputs, its losses and the updates of its variables.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"

namespace weft {

std::vector<Graph::Keeper>& Graph::KeepersOf(Value value) {
  return value.node->outputs_[static_cast<size_t>(value.index)].keepers;
}

Value& Graph::ValueOf(const Keeper& keeper) {
  switch (keeper.kind) {
    case Keeper::Kind::kOutput:
      return outputs_[keeper.index].value;
    case Keeper::Kind::kLoss:
      return losses_[keeper.index].value;
    case Keeper::Kind::kUpdate:
      break;
  }
  return updates_[keeper.index].value;
}

void Graph::Keep(Keeper keeper) {
  const Value value = ValueOf(keeper);
  KeepersOf(value).push_back(keeper);
  OnRevert([value] { KeepersOf(value).pop_back(); });
}

void Graph::MoveKeepers(Value from, Value to) {
  std::vector<Keeper> moved = std::exchange(KeepersOf(from), {});
  if (moved.empty()) return;
  std::vector<Keeper>& keepers = KeepersOf(to);
  keepers.insert(keepers.end(), moved.begin(), moved.end());
  for (const Keeper& keeper : moved) ValueOf(keeper) = to;
  NoteUnread(from);
  OnRevert([this, from, to, moved = std::move(moved)] {
    KeepersOf(to).resize(KeepersOf(to).size() - moved.size());
    for (const Keeper& keeper : moved) ValueOf(keeper) = from;
    KeepersOf(from) = moved;
  });
}

void Graph::Release(Value value, bool (*goes)(const Keeper&)) {
  std::vector<Keeper>& keepers = KeepersOf(value);
  std::vector<Keeper> before = keepers;
  if (std::erase_if(keepers, goes) == 0) return;
  NoteUnread(value);
  OnRevert([value, before = std::move(before)] { KeepersOf(value) = before; });
}

absl::Status Graph::CheckKept(const std::string& name, Value value) const {
  if (!Has(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("output ", name, ": expected a value of the graph, got ", value.ToString()));
  }
  if (output_names_.contains(name)) {
    return absl::AlreadyExistsError(absl::StrCat("output ", name, " is there already"));
  }
  return absl::OkStatus();
}

absl::Status Graph::AddOutput(std::string name, Value value) {
  WEFT_RETURN_IF_ERROR(CheckKept(name, value));
  output_names_.insert(name);
  outputs_.push_back({std::move(name), value});
  OnRevert([this] {
    output_names_.erase(outputs_.back().name);
    outputs_.pop_back();
  });
  Keep({Keeper::Kind::kOutput, outputs_.size() - 1});
  return absl::OkStatus();
}

absl::Status Graph::AddLoss(std::string name, Value value) {
  WEFT_RETURN_IF_ERROR(CheckKept(name, value));
  if (value.type().rank() != 0 || !kFloatTypes.contains(value.type().dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "loss ", name, ": expected a floating-point scalar, got ", weft::ToString(value.type())));
  }
  output_names_.insert(name);
  losses_.push_back({std::move(name), value});
  OnRevert([this] {
    output_names_.erase(losses_.back().name);
    losses_.pop_back();
  });
  Keep({Keeper::Kind::kLoss, losses_.size() - 1});
  return absl::OkStatus();
}

void Graph::ClearOutputs() {
  const auto goes = [](const Keeper& k) { return k.kind != Keeper::Kind::kUpdate; };
  for (const NamedValue& output : outputs_) Release(output.value, goes);
  for (const NamedValue& loss : losses_) Release(loss.value, goes);
  OnRevert([this, outputs = outputs_, losses = losses_, names = output_names_] {
    outputs_ = outputs;
    losses_ = losses;
    output_names_ = names;
  });
  outputs_.clear();
  losses_.clear();
  output_names_.clear();
}

absl::Status Graph::AddUpdate(Node* variable, Value value) {
  if (variable == nullptr || value.null() || variable->op_name() != kVariable) {
    return absl::InvalidArgumentError(
        absl::StrCat("update: expected a variable and a value, got ",
                     variable == nullptr ? "nothing" : variable->Describe()));
  }
  if (!Has(variable->output(0)) || !Has(value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "update of ", variable->name(), ": expected a value of the graph, got ", value.ToString()));
  }
  if (variable->type() != value.type()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "update of ", variable->name(), ": expected ", weft::ToString(variable->type()), ", ",
        value.ToString(), " is ", weft::ToString(value.type())));
  }
  if (variable->is_updated_) {
    return absl::AlreadyExistsError(
        absl::StrCat("variable ", variable->name(), " is updated already"));
  }
  variable->is_updated_ = true;
  updates_.push_back({variable, value});
  OnRevert([this, variable] {
    variable->is_updated_ = false;
    updates_.pop_back();
  });
  Keep({Keeper::Kind::kUpdate, updates_.size() - 1});
  return absl::OkStatus();
}

void Graph::ClearUpdates() {
  const auto goes = [](const Keeper& k) { return k.kind == Keeper::Kind::kUpdate; };
  for (const Update& update : updates_) {
    Release(update.value, goes);
    update.variable->is_updated_ = false;
  }
  OnRevert([this, updates = updates_] {
    updates_ = updates;
    for (const Update& update : updates_) update.variable->is_updated_ = true;
  });
  updates_.clear();
}

bool Graph::IsOutput(Value value) const { return !KeepersOf(value).empty(); }

int Graph::CountReaders(Value value) const {
  return static_cast<int>(value.node->uses(value.index).size() + KeepersOf(value).size());
}

}  // namespace weft
