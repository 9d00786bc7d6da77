#ifndef WEFT_FRONTEND_TRAIN_MEMORY_BUDGET_H_
#define WEFT_FRONTEND_TRAIN_MEMORY_BUDGET_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

namespace weft {

struct MemoryOptions {
  std::string budget;  // "" for none
  friend bool operator==(const MemoryOptions&, const MemoryOptions&) = default;
};

template <typename F>
void VisitOptions(MemoryOptions& o, F& f) {
  f("memory_budget", o.budget,
    "Memory that a training step may take: bytes (700MiB, 1.5GB) or a share of what it takes "
    "otherwise (60%). Activations are computed again for the backward pass until it fits: more "
    "time, the same bits");
}

// Bytes, or a share of what a step takes without a budget.
struct MemoryBudget {
  size_t bytes = 0;
  double share = 0;  // in (0,1], or 0 where there are bytes
};
// "800000000", "700 MiB", "1.5GB", "60%". Errors: another form, no memory, more than 100 %.
absl::StatusOr<MemoryBudget> ParseMemoryBudget(std::string_view text);

// What a budget costs.
struct MemoryPrice {
  size_t before = 0, after = 0;  // bytes of a step
  int nodes = 0;                 // computed again
  double flops = 0;              // added, as a share of the step's
};
// "1645.8 MiB -> 985.0 MiB (60 %): 103 nodes are computed again, 12.5 % more FLOPs"
std::string ToString(const MemoryPrice& price);

// The bytes that a plan and all beside it hold.
using CountPlan = std::function<size_t(const Plan&)>;

// `graph`, a training step whose dims are all static, such that its plan fits into the budget: what
// has to be computed again is chosen by what it saves and costs (passes/memory/recomputation.h),
// and the choice by the exact peak of its plan. Every value that is computed again has the kernel
// and the layouts of the first time, so that the bits are the same. `price`, unless null, says what
// it costs. Errors: a budget that cannot be kept, with the smallest that can.
absl::StatusOr<Graph> FitToBudget(const Graph& graph, const MemoryBudget& budget,
                                  const LowerOptions& lowering, const CountPlan& count,
                                  MemoryPrice* price = nullptr);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_MEMORY_BUDGET_H_
