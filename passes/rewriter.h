#ifndef WEFT_PASSES_REWRITER_H_
#define WEFT_PASSES_REWRITER_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/emitter.h"
#include "graph/transaction.h"
#include "passes/pass_context.h"
#include "passes/pattern.h"

namespace weft {

// Builds a replacement just before the node it replaces. New nodes carry the rewrite's provenance.
// What it has built goes with it, unless the rewrite is committed.
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

  // The driver's. Replace makes the readers of the root's outputs read `replacement`, or declines
  // where one refuses it; Commit does that, removes what is dead and reports. Unless it is
  // committed, and after an error or a decline, the rewriter must go, which leaves the graph as it
  // was.
  const std::string& declined() const { return declined_; }
  absl::Status Replace(std::span<const Value> replacement);
  absl::Status Commit(std::span<const Value> replacement);

 private:
  struct Takeover {
    std::string name;       // what the new node is called
    std::string temporary;  // what the old one is called meanwhile
  };
  absl::Status CheckReplacement(std::span<const Value> replacement) const;
  void RemoveDead();
  bool IsOnlyReadByNewNodes(Node* node) const;
  absl::Status GiveNamesBack();

  PassContext* context_;
  Node* root_;
  Provenance from_;
  std::vector<Takeover> takeovers_;
  std::string declined_;
  Graph::Transaction change_;
};

}  // namespace weft

#endif  // WEFT_PASSES_REWRITER_H_
