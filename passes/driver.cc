#include <memory>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "passes/rule.h"
#include "passes/worklist.h"

namespace weft {
namespace {

class RuleRun : public PassRun {
 public:
  RuleRun(std::shared_ptr<const Rule> rule, PassContext& context)
      : rule_(std::move(rule)),
        context_(context),
        // The operands of what matched count too.
        worklist_(context, {.ops = rule_->pattern.ops(),
                            .reach = rule_->pattern.depth() + 1 + rule_->reach}) {}

  absl::Status Run() override {
    // Far more than any rule that shrinks a graph can need.
    const int limit = context_.rewrites() + 10 * context_.graph().size() + 1000;
    worklist_.StartOver();
    while (!context_.done()) {
      Node* root = worklist_.Next();
      if (root == nullptr) break;
      WEFT_RETURN_IF_ERROR(RewriteAt(root));
      if (context_.rewrites() > limit) {
        return absl::InternalError(absl::StrCat(Absl(rule_->name), ": never comes to an end"));
      }
    }
    return absl::OkStatus();
  }

  void Explain() override {
    for (Node& node : context_.graph().nodes()) {
      for (const Match& match : FindMatches(rule_->pattern, context_.graph(), &node)) {
        Condition condition = Holds(match);
        if (condition.holds) condition = IsRewritten(match);
        if (condition.holds) continue;
        context_.AddNearMiss(rule_->name, node, std::move(condition.failure));
      }
    }
  }

 private:
  Condition Holds(const Match& match) const {
    return rule_->conditions == nullptr ? Condition{} : rule_->conditions(match);
  }

  // Neither the rule nor a reader of the result declines. (An error is none's decline.)
  Condition IsRewritten(const Match& match) const {
    Rewriter rewriter(context_, match, {});
    const std::vector<Value> replacement = rule_->rewrite(match, rewriter);
    if (rewriter.declined().empty()) rewriter.Replace(replacement).IgnoreError();
    return Unless(!rewriter.declined().empty(), rewriter.declined());
  }

  absl::Status RewriteAt(Node* root) {
    for (const Match& match : FindMatches(rule_->pattern, context_.graph(), root)) {
      if (!Holds(match).holds) continue;
      if (refused_.contains(root->name())) return absl::OkStatus();
      const std::string described = root->Describe();
      const int before = context_.rewrites();
      Rewriter rewriter(context_, match, context_.From(rule_->name, match.nodes()));
      const std::vector<Value> replacement = rule_->rewrite(match, rewriter);
      if (!rewriter.declined().empty()) continue;
      const absl::Status status = rewriter.Commit(replacement);
      if (!rewriter.declined().empty()) continue;
      if (status.ok() && context_.rewrites() == before) refused_.insert(root->name());
      if (status.ok()) return status;
      return absl::InternalError(absl::StrCat(Absl(rule_->name), " at ", described,
                                              ": ill-typed replacement: ", status.message()));
    }
    return absl::OkStatus();
  }

  std::shared_ptr<const Rule> rule_;
  PassContext& context_;
  Worklist worklist_;
  std::unordered_set<std::string> refused_;  // nodes where the replay took a rewrite back
};

}  // namespace

Pass ToPass(Rule rule) {
  auto shared = std::make_shared<const Rule>(std::move(rule));
  return {shared->name, shared->doc,
          [shared](PassContext& context) { return std::make_unique<RuleRun>(shared, context); },
          shared->lossy};
}

}  // namespace weft
