#ifndef WEFT_PASSES_PASS_H_
#define WEFT_PASSES_PASS_H_

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "passes/passes.h"

namespace weft {

// What the passes of one Optimize share: the graph, the options, and the report that they write.
class PassContext {
 public:
  PassContext(Graph& graph, const PassOptions& options) : graph_(graph), options_(options) {}

  Graph& graph() const { return graph_; }
  const PassOptions& options() const { return options_; }
  const PassReport& report() const { return report_; }
  PassReport TakeReport();

  int rewrites() const { return static_cast<int>(report_.rewrites.size()); }
  // No further rewrite is allowed.
  bool done() const { return options_.max_rewrites >= 0 && rewrites() >= options_.max_rewrites; }

  // The provenance of what `rule` makes of `nodes`: their names, or for rewritten nodes those of
  // the nodes that they came from.
  Provenance From(std::string_view rule, std::span<Node* const> nodes);

  // Reports a rewrite that has been applied, and verifies the graph where that is wanted. An error
  // names the rule.
  absl::Status Record(const Provenance& from, std::span<Node* const> results);

  // Near-misses are those of a pass's latest sweep, each once.
  void AddNearMiss(std::string_view rule, const Node& node, std::string condition);
  void ForgetNearMisses(std::string_view rule);

 private:
  Graph& graph_;
  const PassOptions& options_;
  PassReport report_;
  std::map<std::string, std::string, std::less<>> original_ops_;
};

// One named, switchable step. `run` rewrites until the pass finds nothing more to do, or done().
struct Pass {
  std::string_view name;
  std::string_view doc;  // one line
  std::function<absl::Status(PassContext&)> run;
};

// Optimize is RunStages with the pipeline: each stage repeats until none of its passes changes
// anything, and all of them until nothing changes at all, so that a second run finds nothing to do.
struct Stage {
  std::string_view name;
  std::vector<Pass> passes;
};
absl::StatusOr<PassReport> RunStages(std::span<const Stage> stages, Graph& graph,
                                     const PassOptions& options);
const std::vector<Stage>& Pipeline();

// The passes, one file each.
Pass RemoveDead();
Pass RemoveIdentity();
Pass RemoveOnes();
Pass FoldConstants();
Pass MergeCommon();
Pass FoldConvBn();
Pass FuseConvBias();
Pass Fold1x1();
Pass FuseConvActivation();
Pass FuseConvAdd();

}  // namespace weft

#endif  // WEFT_PASSES_PASS_H_
