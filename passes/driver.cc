#include <algorithm>
#include <memory>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "passes/rule.h"

namespace weft {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

std::vector<std::string> NamesInOrder(const Graph& graph) {
  std::vector<std::string> names;
  names.reserve(static_cast<size_t>(graph.size()));
  for (const Node& node : graph.nodes()) names.push_back(node.name());
  return names;
}

std::vector<Node*> NodesOf(std::span<const Value> values) {
  std::vector<Node*> nodes;
  for (const Value& v : values) {
    if (v && std::find(nodes.begin(), nodes.end(), v.node) == nodes.end()) nodes.push_back(v.node);
  }
  return nodes;
}

// Whether the rule did rewrite at `root`, which may be gone then.
absl::StatusOr<bool> RewriteAt(const Rule& rule, Node* root, PassContext& context) {
  for (const Match& match : FindMatches(rule.pattern, context.graph(), root)) {
    if (rule.conditions != nullptr) {
      if (Condition condition = rule.conditions(match); !condition.holds) {
        context.AddNearMiss(rule.name, *root, std::move(condition.failure));
        continue;
      }
    }
    const std::string described = root->Describe();
    Rewriter rewriter(context, match, context.From(rule.name, match.nodes()));
    const std::vector<Value> replacement = rule.rewrite(match, rewriter);
    if (!rewriter.declined().empty()) {
      rewriter.Undo();
      context.AddNearMiss(rule.name, *root, rewriter.declined());
      continue;
    }
    absl::Status status = rewriter.ok() ? rewriter.Commit(replacement) : rewriter.status();
    if (!status.ok()) {
      rewriter.Undo();
      return absl::InternalError(absl::StrCat(Absl(rule.name), " at ", described,
                                              ": ill-typed replacement: ", status.message()));
    }
    WEFT_RETURN_IF_ERROR(context.Record(rewriter.from(), NodesOf(replacement)));
    return true;
  }
  return false;
}

}  // namespace

Rewriter::Rewriter(PassContext& context, const Match& match, Provenance provenance)
    : Emitter(context.graph(), match.root()->name(), provenance),
      context_(&context),
      root_(match.root()),
      from_(std::move(provenance)) {
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

void Rewriter::Undo() {
  graph().SetInsertionPoint(nullptr);
  graph().RemoveDeadNodes();
  GiveNamesBack();
}

bool Rewriter::IsOnlyReadByNewNodes(Node* node) const {
  for (int i = 0; i < node->num_outputs(); ++i) {
    if (graph().IsOutput(node->output(i))) return false;
  }
  return std::all_of(node->uses().begin(), node->uses().end(),
                     [&](const Use& use) { return use.user->provenance() == from_; });
}

void Rewriter::GiveNamesBack() {
  for (auto it = takeovers_.rbegin(); it != takeovers_.rend(); ++it) {
    Node* old = graph().Find(it->temporary);
    if (old == nullptr) continue;
    Node* taker = graph().Find(it->name);
    if (taker != nullptr) {
      if (IsOnlyReadByNewNodes(old)) continue;
      // Neither rename can fail: each name has just become free.
      (void)graph().Rename(taker, graph().UniqueName(it->name));
    }
    (void)graph().Rename(old, it->name);
  }
  takeovers_.clear();
}

absl::Status Rewriter::CheckReplacement(std::span<const Value> replacement) const {
  if (replacement.size() != static_cast<size_t>(root_->num_outputs())) {
    return absl::InternalError(
        absl::StrCat("expected ", root_->num_outputs(), " values, got ", replacement.size()));
  }
  std::unordered_set<const Node*> before;
  for (const Node& node : graph().nodes()) {
    if (&node == root_) break;
    before.insert(&node);
  }
  for (int i = 0; i < root_->num_outputs(); ++i) {
    const Value from = root_->output(i);
    const Value to = replacement[static_cast<size_t>(i)];
    if (to.null() && graph().CountReaders(from) == 0) continue;
    if (to.null() || to.type() != from.type()) {
      return absl::InternalError(absl::StrCat("output ", i, ": expected ", ToString(from.type()),
                                              ", got ", to ? ToString(to.type()) : "nothing"));
    }
    if (!before.contains(to.node)) {
      return absl::InternalError(absl::StrCat(to.ToString(), " comes after what it replaces"));
    }
  }
  return absl::OkStatus();
}

absl::Status Rewriter::Commit(std::span<const Value> replacement) {
  WEFT_RETURN_IF_ERROR(CheckReplacement(replacement));
  for (int i = 0; i < root_->num_outputs(); ++i) {
    const Value to = replacement[static_cast<size_t>(i)];
    if (to) WEFT_RETURN_IF_ERROR(graph().ReplaceUses(root_->output(i), to));
  }
  if (replacement[0] && replacement[0].node->op_name() == root_->op_name()) {
    graph().MoveGradientLinks(root_, replacement[0].node);
  }
  graph().SetInsertionPoint(nullptr);
  graph().RemoveDeadNodes();
  GiveNamesBack();
  return absl::OkStatus();
}

absl::Status RunRule(const Rule& rule, PassContext& context) {
  Graph& graph = context.graph();
  graph.RemoveDeadNodes();  // a dead reader must not count as a consumer
  // Far more than any rule that shrinks a graph can need.
  const int limit = context.rewrites() + 10 * graph.size() + 1000;
  bool changed = true;
  while (changed && !context.done()) {
    changed = false;
    context.ForgetNearMisses(rule.name);
    for (const std::string& name : NamesInOrder(graph)) {
      Node* root = graph.Find(name);
      if (root == nullptr) continue;  // went earlier in this sweep
      WEFT_ASSIGN_OR_RETURN(const bool rewritten, RewriteAt(rule, root, context));
      changed = changed || rewritten;
      if (context.done()) break;
    }
    if (context.rewrites() > limit) {
      return absl::InternalError(absl::StrCat(Absl(rule.name), ": never comes to an end"));
    }
  }
  return absl::OkStatus();
}

Pass ToPass(Rule rule) {
  auto shared = std::make_shared<const Rule>(std::move(rule));
  return {shared->name, shared->doc,
          [shared](PassContext& context) { return RunRule(*shared, context); }};
}

}  // namespace weft
