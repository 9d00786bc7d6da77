#ifndef WEFT_RUNTIME_TUNING_SEARCH_H_
#define WEFT_RUNTIME_TUNING_SEARCH_H_

#include <functional>
#include <vector>

#include "runtime/plan/choices.h"
#include "runtime/plan/plan.h"

namespace weft {

struct TuningProgress {
  int64_t nodes_done = 0;
  int64_t nodes = 0;
  int64_t kernels_timed = 0;
};

struct SearchOptions {
  int threads = 1;
  // How far, as a share of its largest output, a convolution by Winograd's method may be from the
  // direct one.
  double max_error = 1e-4;
  std::function<void(const TuningProgress&)> progress{};
};

struct SearchResult {
  KernelChoices choices;       // where they differ from what the families put first
  double seconds = 0;          // of a run with these, by the kernels' times and PriceOfMemory
  double default_seconds = 0;  // and with what the families put first
  int64_t kernels_timed = 0;
  // Others, where a kernel is taken only if it is so much quicker than what the families put first
  // that chance in timing it, and what it does to the caches of the next, cannot be all of it.
  std::vector<KernelChoices> cautious{};
};

// Finds the kernels with which a run of `graph`, whose dims are all static, takes least time, each
// kernel and each reorder between layouts timed on this machine. Along the graph's order it keeps
// the quickest way to each combination of layouts of the values that are still to be read, and of
// those the best few: on a chain that is the optimum. Reorders of constants cost nothing, and of
// variables those alone that transform elements. Errors: as Lower's; not enough memory.
absl::StatusOr<SearchResult> SearchChoices(const Graph& graph, const SearchOptions& options);

}  // namespace weft

#endif  // WEFT_RUNTIME_TUNING_SEARCH_H_
