#ifndef WEFT_PASSES_PASSES_H_
#define WEFT_PASSES_PASSES_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// Nodes that compute something, and what they take by the CostModel. Those whose sizes only a run
// can know are counted and not priced.
struct Work {
  int64_t nodes = 0;
  int64_t macs = 0;
  double bytes = 0;  // moved: each operand once
  friend bool operator==(const Work&, const Work&) = default;
};

// One rewrite that happened: the rule, the nodes it took, the nodes it made. Sources are nodes as
// the file had them: where a rewritten node is rewritten again, its own sources stand for it. Of
// very many sources only the first are named.
struct Rewrite {
  std::string rule;
  std::vector<std::string> sources;
  std::vector<std::string> results;
  std::vector<std::string> source_ops;  // one a source; "" for one that an earlier session rewrote
  std::vector<std::string> result_ops;  // one a result
  Work before = {};                     // of the nodes that it took out or changed
  Work after = {};                      // of those that it put in or changed
  // Where constants were computed from what an earlier rewrite left to compute: its index.
  std::optional<size_t> cause = {};
  // What the replay found: see ReplayOptions. Nothing where it could not tell.
  std::optional<double> error = {};
};

// A place where a rule's pattern matched but a named condition did not hold.
struct NearMiss {
  std::string rule;
  std::string node;
  std::string condition;  // "conv1 has 2 consumers"
};

// What one rule did in all. What folding constants finished counts for the rule that left it.
struct RuleSummary {
  std::string rule;
  int times = 0;
  Work before = {};  // of what its rewrites took out or changed, summed
  Work after = {};
};

struct PassReport {
  std::vector<Rewrite> rewrites;
  std::vector<NearMiss> near_misses;
  Work before = {};  // of the whole graph
  Work after = {};
  // Where rewrites were replayed: the error of the graph's outputs, on all samples.
  bool replayed = false;
  std::optional<double> error = {};
  int taken_back = 0;  // rewrites beyond the tolerance, which are near-misses
  // How often a pass took up a node or was told of one that may have changed for it: what the time
  // of Optimize grows with, whatever the machine.
  int64_t looks = 0;

  // The rules that did something, in the order in which they first did.
  std::vector<RuleSummary> Summary() const;
  // The report as `weft optimize --explain` prints it: the summary, one line a rewrite with the
  // constants computed for it, one line for what else was computed in one scope and one for equal
  // constants that were merged, the near-misses, in one line those that say the like:
  //   nodes 9 -> 4, MACs 61,706 -> 61,706, bytes moved 88.1 KiB -> 51.0 KiB
  //     fold_conv_bn x 2: nodes -2, MACs +0, bytes moved -12.1 KiB
  //   fold_conv_bn: conv1 (Conv) + bn1 (BatchNormalization) -> conv1 (Conv), computing conv1.weight
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
  bool lossy = false;       // changes values: runs only if PassOptions::lossy names it
  bool on_request = false;  // runs only if PassOptions::passes or ::also names it
};

// Replaying rewrites on samples: the values that are read before and after each one are compared,
// and a rewrite whose error is beyond the tolerance is taken back and becomes a near-miss.
//
// An error is the largest difference of two elements, relative to the largest element there was;
// infinite where one is a NaN or an infinity and the other is not the same. Passes in
// PassOptions::lossy may make the error that is stated there. What cannot be computed, such as a
// node whose operands the sample does not suit, passes without a word about its error.
struct ReplayOptions {
  int random = 0;                       // so many of RandomSamples (passes/verify/samples.h)
  std::vector<TensorMap> samples = {};  // and these: the graph's inputs by name
  double tolerance = 1e-4;
  Evaluator* evaluator = nullptr;  // not owned; null: PassOptions::evaluator
  bool wanted() const { return random > 0 || !samples.empty(); }
};

struct PassOptions {
  Evaluator* evaluator = nullptr;         // for constant folding; not owned; required
  const CostModel* costs = nullptr;       // for rules that decide by price; not owned; required
  std::vector<std::string> passes = {};   // names to run, in pipeline order; empty: all
  std::vector<std::string> disable = {};  // names not to run
  std::vector<std::string> also = {};     // names of passes that run on request, beside the others
  // Passes that change values run only if they are named here, each with the error that it may
  // make: {"split_low_rank", 0.01}. What the error is relative to, the pass says.
  std::map<std::string, double, std::less<>> lossy = {};
  int max_rewrites = -1;     // stop after so many (bisection); -1: no limit
  bool verify_each = false;  // Graph::Verify after every rewrite; debug builds do in small graphs
  bool explain = true;       // near-misses and work are reported; false saves their time
  ReplayOptions replay = {};
  // Passes of the caller's own, a stage between "clean" and "linear" of the pipeline; most are
  // rules, as passes/rule.h shows. Each has a name of its own.
  std::vector<Pass> own = {};
};

// The names of the optimizing passes, in the order of the pipeline.
std::vector<std::string> PassNames();

// Optimizes `graph` in place by the pipeline of passes/pipeline.cc. It takes time for the nodes and
// for the rewrites: after one, passes look again at no more than what it may have changed for them.
// Errors: an unknown pass name, options out of range, a sample that does not suit, a name that two
// passes have, a rule that built an ill-typed replacement or whose result does not verify (a bug,
// named; the graph is then as before that rewrite).
absl::StatusOr<PassReport> Optimize(Graph& graph, const PassOptions& options);

struct InferenceOptions {
  bool freeze = true;   // variables become constants, so that they can be folded and prepacked
  bool losses = false;  // keep the losses, for an evaluation
};

// A copy of a mode-neutral graph that computes inference: mode "auto" becomes "inference", updates
// go. The outputs are those of `graph`, losses only where they are asked for.
absl::StatusOr<Graph> ForInference(const Graph& graph, const InferenceOptions& options = {});

// A copy of a mode-neutral graph that computes training: mode "auto" becomes "training", and the
// running statistics of batch normalizations whose statistics are variables become updates; those
// that are constants stay. Errors: a statistic that is computed, which no update could reach.
absl::StatusOr<Graph> ForTraining(const Graph& graph);

}  // namespace weft

#endif  // WEFT_PASSES_PASSES_H_
