#ifndef WEFT_FRONTEND_SESSION_PLAN_CACHE_H_
#define WEFT_FRONTEND_SESSION_PLAN_CACHE_H_

#include <list>
#include <memory>
#include <vector>

#include "graph/evaluator.h"
#include "runtime/exec/executable.h"

namespace weft {

// OK for 0, all that this process may use, and up to kMaxThreads. OpenMP takes any number and dies.
inline constexpr int64_t kMaxThreads = 1024;
absl::Status CheckThreads(int64_t threads);

// All symbols of the graph's inputs, bound to `size`: the batch, where that is the only one.
SymbolBindings BindAllSymbols(const Graph& graph, int64_t size);

// Runs one graph on inputs of any size: plans it for each size it meets and keeps the plans of the
// last few. Not thread-safe. The state, null for a graph without variables, must outlive it.
class PlanCache {
 public:
  PlanCache(Graph graph, State* state, LowerOptions options)
      : graph_(std::move(graph)), state_(state), options_(options) {}
  PlanCache(const PlanCache&) = delete;
  PlanCache& operator=(const PlanCache&) = delete;

  const Graph& graph() const { return graph_; }

  // The graph's outputs, in order, for its inputs by name; the tensors are the cache's and are
  // overwritten by the next call, unless somebody holds a copy. Updates are applied to the state.
  // Errors name the input: missing, unknown, of another type, sizes that disagree.
  absl::StatusOr<std::span<const Tensor>> Run(const TensorMap& feeds, const RandomKey& key = {});

  // The plan for these sizes, made now unless it is there.
  absl::StatusOr<const Plan*> PlanFor(const SymbolBindings& symbols);
  // The plan of the last run, which there has to have been.
  const Plan& last_plan() const { return entries_.front().executable->plan(); }

 private:
  struct Entry {
    SymbolBindings symbols;
    std::unique_ptr<Executable> executable;
    std::unique_ptr<Context> context;
    std::vector<Tensor> inputs, outputs;
  };
  absl::StatusOr<Entry*> Find(const SymbolBindings& symbols);
  absl::Status CheckNames(const TensorMap& feeds) const;

  Graph graph_;
  State* state_;
  LowerOptions options_;
  std::list<Entry> entries_;  // the last one used first
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_PLAN_CACHE_H_
