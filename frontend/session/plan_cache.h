#ifndef WEFT_FRONTEND_SESSION_PLAN_CACHE_H_
#define WEFT_FRONTEND_SESSION_PLAN_CACHE_H_

#include <functional>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "frontend/session/late_nodes.h"
#include "frontend/session/memory_count.h"
#include "graph/evaluator.h"
#include "runtime/exec/executable.h"

namespace weft {

// Runs one graph on inputs of any size: plans it for each size it meets and keeps the plans of the
// last few, which share one arena. Not thread-safe. The state, null for a graph without variables,
// must outlive it.
class PlanCache {
 public:
  // Caches of which one runs at a time may share an arena too.
  PlanCache(Graph graph, State* state, LowerOptions options,
            std::shared_ptr<Arena> arena = std::make_shared<Arena>())
      : graph_(std::move(graph)), state_(state), options_(options), arena_(std::move(arena)) {}
  PlanCache(const PlanCache&) = delete;
  PlanCache& operator=(const PlanCache&) = delete;

  const Graph& graph() const { return graph_; }

  // From now on each plan is made of what `fit` makes of the graph bound to its sizes: one that
  // computes the same from the same inputs and variables.
  using Fit = std::function<absl::StatusOr<Graph>(const Graph& bound, const LowerOptions&)>;
  void SetFit(Fit fit) { fit_ = std::move(fit); }

  // The graph's outputs, in order, for its inputs by name; the tensors are the cache's and are
  // overwritten by the next call, unless somebody holds a copy. Updates are applied to the state.
  // Errors name the input: missing, unknown, of another type, sizes that disagree.
  absl::StatusOr<std::span<const Tensor>> Run(const TensorMap& feeds, const RandomKey& key = {}) {
    return Run(feeds, RunOptions{.key = key});
  }
  absl::StatusOr<std::span<const Tensor>> Run(const TensorMap& feeds, const RunOptions& options);

  // The plan for these sizes, made now unless it is there. It lives as long as somebody holds it.
  absl::StatusOr<std::shared_ptr<const Plan>> PlanFor(const SymbolBindings& symbols);

  // What the graph and the plans made so far hold when they have run, besides the arena: constants,
  // kernels, outputs.
  void CountInto(MemoryCount& count) const;
  // The same of one plan.
  static void CountPlan(const Plan& plan, MemoryCount& count);
  // The arena that they need.
  size_t arena_bytes() const;
  // The plan of the last run, which there has to have been.
  const Plan& last_plan() const { return last_->plan(); }

 private:
  struct Entry {
    SymbolBindings symbols;
    std::shared_ptr<const Executable> executable;
    std::unique_ptr<Context> context;  // null until the first run
    std::vector<Tensor> inputs, outputs;
    std::unique_ptr<const LateNodes> late;  // null for none; else the plan is of their early graph
    std::vector<Tensor> results;            // of a run with late nodes
    int64_t moves = 0;                      // of the state, when the plan was made
  };
  int64_t moves() const { return state_ == nullptr ? 0 : state_->moves(); }
  absl::StatusOr<Entry*> Find(const SymbolBindings& symbols);
  // Null where every size follows from the inputs'. Errors: others where there are variables.
  absl::StatusOr<std::unique_ptr<const LateNodes>> FindLate(const SymbolBindings& symbols) const;
  absl::StatusOr<std::unique_ptr<const Executable>> MakeExecutable(
      const Entry& entry, const LowerOptions& options) const;
  absl::Status CheckNames(const TensorMap& feeds) const;

  Graph graph_;
  State* state_;
  LowerOptions options_;
  std::shared_ptr<Arena> arena_;
  Fit fit_;                                 // may be empty
  std::list<Entry> entries_;                // the last one used first
  std::shared_ptr<const Executable> last_;  // that ran
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_PLAN_CACHE_H_
