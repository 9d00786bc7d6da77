#ifndef WEFT_PASSES_PASS_CONTEXT_H_
#define WEFT_PASSES_PASS_CONTEXT_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/transaction.h"
#include "passes/ledger.h"
#include "passes/news.h"
#include "passes/passes.h"
#include "passes/verify/replay.h"

namespace weft {

// What the passes of one Optimize share: the graph, the options, the report that they write, and
// the news of what has changed.
class PassContext {
 public:
  PassContext(Graph& graph, const PassOptions& options) : graph_(graph), options_(options) {}

  Graph& graph() const { return graph_; }
  const PassOptions& options() const { return options_; }
  // Before the first pass. Errors: samples that do not suit, see ReplayOptions.
  absl::Status Begin();
  // After the last one.
  PassReport TakeReport();

  int rewrites() const { return static_cast<int>(report_.rewrites.size()); }
  // No further rewrite is allowed.
  bool done() const { return options_.max_rewrites >= 0 && rewrites() >= options_.max_rewrites; }

  // The provenance of what `rule` makes of `nodes`: their names, or for rewritten nodes those of
  // the nodes that they came from. Of very many only the first.
  Provenance From(std::string_view rule, std::span<Node* const> nodes);

  // Ends a rewrite: verifies the graph and replays the change where that is wanted, reports,
  // commits `change` and tells the worklists. After an error, which names the rule, nothing of that
  // has happened. A rewrite whose replay is beyond the tolerance is taken back, which is no error:
  // rewrites() is what it was, the near-miss is noted, and what the rewrite had built is gone.
  absl::Status Record(const Provenance& from, std::span<Node* const> results,
                      Graph::Transaction& change);
  // Ends a change that is no rewrite: commits it and tells the worklists.
  void Commit(Graph::Transaction& change);

  // A pass took up a node.
  void CountLook() { ++report_.looks; }
  // One node's near-misses follow one another, each once.
  void AddNearMiss(std::string_view rule, const Node& node, std::string condition);

 private:
  friend class Worklist;
  double ToleranceOf(const std::string& rule) const;
  void TakeBack(const std::string& rule, const Replay::Verdict& verdict,
                Graph::Transaction& change);

  Graph& graph_;
  const PassOptions& options_;
  PassReport report_;
  std::map<std::string, std::string, std::less<>> original_ops_;
  News news_;
  std::optional<Ledger> ledger_;    // where the report is to explain
  std::unique_ptr<Replay> replay_;  // where rewrites are replayed
};

}  // namespace weft

#endif  // WEFT_PASSES_PASS_CONTEXT_H_
