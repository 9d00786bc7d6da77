#ifndef WEFT_PASSES_RULE_H_
#define WEFT_PASSES_RULE_H_

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "graph/emitter.h"
#include "passes/pass.h"
#include "passes/pattern.h"

namespace weft {

// Something that a rule needs besides its pattern. Where it does not hold, `failure` says what is
// in the way, in the words of --explain: "conv1 has 2 consumers".
struct Condition {
  bool holds = true;
  std::string failure;
};

inline Condition Unless(bool fails, std::string failure) {
  return fails ? Condition{false, std::move(failure)} : Condition{};
}
// The first that does not hold.
Condition All(std::initializer_list<Condition> conditions);

// Conditions on what a pattern named. An optional input that is absent fulfils every one.
Condition HasSingleReader(const Match& match, std::string_view name);
Condition IsConstant(const Match& match, std::string_view name);
Condition HaveSameType(const Match& match, std::string_view a, std::string_view b);
// The node has this mode: "inference".
Condition IsInMode(const Match& match, std::string_view name, std::string_view mode);
Condition HasOneGroup(const Match& match, std::string_view name);
Condition HasNoPadding(const Match& match, std::string_view name);
// One number a channel of `image`, [N,C,…], or one for all: [C,1,1], [1,C,1,1], [1], [].
Condition IsPerChannel(const Match& match, std::string_view name, std::string_view image);

// Builds a replacement just before the node it replaces. New nodes carry the rewrite's provenance.
class Rewriter : public Emitter {
 public:
  Rewriter(PassContext& context, const Match& match, Provenance provenance);

  // As Op, but called `name`. Whoever had that name gives it up; if anybody but the new nodes still
  // reads it once the rewrite is applied, it gets the name back. (Variables and inputs, which
  // people address by name, never give it up.) Take the name of a node that goes, so that people
  // find their conv1 again and dims named after a node stay equal, or of a constant whose new value
  // is computed: the old one is then conv1.weight/before until constants are folded.
  Value OpAs(std::string name, std::string_view op, std::vector<Value> inputs,
             AttributeMap attributes = {});
  // Gives up: the near-miss is `condition`. Returns no replacement.
  std::vector<Value> Decline(std::string condition);

  const PassOptions& options() const { return context_->options(); }
  const Provenance& from() const { return from_; }

  // The driver's. Undo takes away what was built; Commit makes the readers of the root's outputs
  // read `replacement` and removes what is dead. An error leaves the graph untouched, but for Undo.
  const std::string& declined() const { return declined_; }
  void Undo();
  absl::Status Commit(std::span<const Value> replacement);

 private:
  struct Takeover {
    std::string name;       // what the new node is called
    std::string temporary;  // what the old one is called meanwhile
  };
  absl::Status CheckReplacement(std::span<const Value> replacement) const;
  bool IsOnlyReadByNewNodes(Node* node) const;
  void GiveNamesBack();

  PassContext* context_;
  Node* root_;
  Provenance from_;
  std::vector<Takeover> takeovers_;
  std::string declined_;
};

// A rewrite rule: where `pattern` fits and `conditions` hold, `rewrite` builds one value for each
// output of the outermost node (null for an output that nothing reads).
struct Rule {
  std::string_view name;
  std::string_view doc;  // one line
  Pattern pattern;
  std::function<Condition(const Match&)> conditions;  // may be empty
  std::function<std::vector<Value>(const Match&, Rewriter&)> rewrite;
};

// Applies `rule` at every node, in order, until a whole sweep changes nothing. A replacement that
// is ill-typed is an error naming rule and node; the graph is then as before that rewrite.
absl::Status RunRule(const Rule& rule, PassContext& context);

// The pass that runs `rule`.
Pass ToPass(Rule rule);

}  // namespace weft

#endif  // WEFT_PASSES_RULE_H_
