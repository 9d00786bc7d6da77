#ifndef WEFT_PASSES_PASSES_H_
#define WEFT_PASSES_PASSES_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// One rewrite that happened: the rule, the nodes it took, the nodes it made. Sources are nodes as
// the file had them: where a rewritten node is rewritten again, its own sources stand for it.
struct Rewrite {
  std::string rule;
  std::vector<std::string> sources;
  std::vector<std::string> results;
  std::vector<std::string> source_ops;  // one a source; "" for one that an earlier session rewrote
  std::vector<std::string> result_ops;  // one a result
};

// A place where a rule's pattern matched but a named condition did not hold.
struct NearMiss {
  std::string rule;
  std::string node;
  std::string condition;  // "conv1 has 2 consumers"
};

struct PassReport {
  std::vector<Rewrite> rewrites;
  std::vector<NearMiss> near_misses;
  // The report as `weft optimize --explain` prints it: one line a rewrite, then the near-misses:
  //   fold_conv_bn: conv1 (Conv) + bn1 (BatchNormalization) -> conv1 (Conv)
  //   near-miss: fold_conv_bn at bn2: conv2 has 2 consumers
  std::string ToString() const;
};

class PassContext;  // passes/pass_context.h
class PassRun;      // passes/pass.h

// One named, switchable step of Optimize. `start` begins its work on one graph.
struct Pass {
  std::string_view name;
  std::string_view doc;  // one line
  std::function<std::unique_ptr<PassRun>(PassContext&)> start;
  bool lossy = false;  // changes values: runs only if PassOptions::lossy names it
};

struct PassOptions {
  Evaluator* evaluator = nullptr;         // for constant folding; not owned; required
  const CostModel* costs = nullptr;       // for rules that decide by price; not owned; required
  std::vector<std::string> passes = {};   // names to run, in pipeline order; empty: all
  std::vector<std::string> disable = {};  // names not to run
  // Passes that change values run only if they are named here, each with the error that it may
  // make: {"split_low_rank", 0.01}. What the error is relative to, the pass says.
  std::map<std::string, double, std::less<>> lossy = {};
  int max_rewrites = -1;     // stop after so many (bisection); -1: no limit
  bool verify_each = false;  // Graph::Verify after every rewrite; on in debug builds
  // Passes of the caller's own, a stage between "clean" and "linear" of the pipeline; most are
  // rules, as passes/rule.h shows. Each has a name of its own.
  std::vector<Pass> own = {};
};

// The names of the optimizing passes, in the order of the pipeline.
std::vector<std::string> PassNames();

// Optimizes `graph` in place by the pipeline of passes/pipeline.cc. It takes time for the nodes and
// for the rewrites: after one, passes look again at no more than what it may have changed for them.
// Errors: an unknown pass name, a name that two passes have, a rule that built an ill-typed
// replacement or whose result does not verify (a bug, named; the graph is then as before that
// rewrite).
absl::StatusOr<PassReport> Optimize(Graph& graph, const PassOptions& options);

struct InferenceOptions {
  bool freeze = true;   // variables become constants, so that they can be folded and prepacked
  bool losses = false;  // keep the losses, for an evaluation
};

// A copy of a mode-neutral graph that computes inference: mode "auto" becomes "inference", updates
// go. The outputs are those of `graph`, losses only where they are asked for.
absl::StatusOr<Graph> ForInference(const Graph& graph, const InferenceOptions& options = {});

// A copy of a mode-neutral graph that computes training: mode "auto" becomes "training", and the
// running statistics of batch normalizations whose statistics are variables become updates.
absl::StatusOr<Graph> ForTraining(const Graph& graph);

}  // namespace weft

#endif  // WEFT_PASSES_PASSES_H_
