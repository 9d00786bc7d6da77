#include "passes/rewriter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "passes/shape_readers.h"

namespace weft {
namespace {

std::vector<Node*> NodesOf(std::span<const Value> values) {
  std::vector<Node*> nodes;
  for (const Value& v : values) {
    if (v && std::find(nodes.begin(), nodes.end(), v.node) == nodes.end()) nodes.push_back(v.node);
  }
  return nodes;
}

}  // namespace

Rewriter::Rewriter(PassContext& context, const Match& match, Provenance provenance)
    : Emitter(context.graph(), match.root()->name(), provenance),
      context_(&context),
      root_(match.root()),
      from_(std::move(provenance)),
      change_(context.graph()) {
  graph().SetInsertionPoint(root_);
}

Value Rewriter::OpAs(std::string name, std::string_view op, std::vector<Value> inputs,
                     AttributeMap attributes) {
  if (!ok()) return Value();
  Node* old = graph().Find(name);
  if (old != nullptr && old->op_name() != kVariable && old->op_name() != kInput) {
    std::string temporary = graph().UniqueName(name + "/before");
    if (absl::Status status = graph().Rename(old, temporary); !status.ok()) return Fail(status);
    takeovers_.push_back({name, std::move(temporary)});
  }
  absl::StatusOr<Node*> node = graph().AddNode({.op = std::string(op),
                                                .name = std::move(name),
                                                .inputs = std::move(inputs),
                                                .attributes = std::move(attributes),
                                                .provenance = from_});
  return node.ok() ? (*node)->output() : Fail(node.status());
}

std::vector<Value> Rewriter::Decline(std::string condition) {
  declined_ = std::move(condition);
  return {};
}

bool Rewriter::IsOnlyReadByNewNodes(Node* node) const {
  for (int i = 0; i < node->num_outputs(); ++i) {
    if (graph().IsOutput(node->output(i))) return false;
    for (const Use& use : node->uses(i)) {
      if (use.user->provenance() != from_) return false;
    }
  }
  return true;
}

absl::Status Rewriter::GiveNamesBack() {
  for (auto it = takeovers_.rbegin(); it != takeovers_.rend(); ++it) {
    Node* old = graph().Find(it->temporary);
    if (old == nullptr) continue;
    if (Node* taker = graph().Find(it->name)) {
      if (IsOnlyReadByNewNodes(old)) continue;
      WEFT_RETURN_IF_ERROR(graph().Rename(taker, graph().UniqueName(it->name)));
    }
    WEFT_RETURN_IF_ERROR(graph().Rename(old, it->name));
  }
  return absl::OkStatus();
}

absl::Status Rewriter::CheckReplacement(std::span<const Value> replacement) const {
  if (replacement.size() != static_cast<size_t>(root_->num_outputs())) {
    return absl::InternalError(
        absl::StrCat("expected ", root_->num_outputs(), " values, got ", replacement.size()));
  }
  for (int i = 0; i < root_->num_outputs(); ++i) {
    const Value from = root_->output(i);
    const Value to = replacement[static_cast<size_t>(i)];
    if (to.null() && graph().CountReaders(from) == 0) continue;
    if (to.null() || to.type() != from.type()) {
      return absl::InternalError(absl::StrCat("output ", i, ": expected ", ToString(from.type()),
                                              ", got ", to ? ToString(to.type()) : "nothing"));
    }
    if (!to.node->IsBefore(*root_)) {
      return absl::InternalError(absl::StrCat(to.ToString(), " comes after what it replaces"));
    }
  }
  return absl::OkStatus();
}

void Rewriter::RemoveDead() {
  graph().RemoveDeadNodes(root_);
  // What was built and is not read, readers first.
  const std::vector<Node*> changed = change_.changes().changed;
  for (auto it = changed.rbegin(); it != changed.rend(); ++it) graph().RemoveDeadNodes(*it);
}

absl::Status Rewriter::Replace(std::span<const Value> replacement) {
  WEFT_RETURN_IF_ERROR(status());
  WEFT_RETURN_IF_ERROR(CheckReplacement(replacement));
  for (int i = 0; i < root_->num_outputs(); ++i) {
    const Value to = replacement[static_cast<size_t>(i)];
    if (to.null()) continue;
    const bool alike = AreKnownAlike(root_->output(i), to);
    // A reader that infers its type from a constant's elements may not want another value there.
    if (absl::Status status = graph().ReplaceUses(root_->output(i), to); !status.ok()) {
      declined_ = std::string(status.message());
      break;
    }
    const Node* stale = alike ? nullptr : FindStaleReader(to);
    if (stale == nullptr) continue;
    declined_ = absl::StrCat("the type of ", stale->Describe(), " would change");
    break;
  }
  return absl::OkStatus();
}

absl::Status Rewriter::Commit(std::span<const Value> replacement) {
  WEFT_RETURN_IF_ERROR(Replace(replacement));
  if (!declined_.empty()) return absl::OkStatus();
  if (replacement[0] && replacement[0].node->op_name() == root_->op_name()) {
    graph().MoveGradientLinks(root_, replacement[0].node);
  }
  graph().SetInsertionPoint(nullptr);
  RemoveDead();
  WEFT_RETURN_IF_ERROR(GiveNamesBack());
  return context_->Record(from_, NodesOf(replacement), change_);
}

}  // namespace weft
