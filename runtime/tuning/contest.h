#ifndef WEFT_RUNTIME_TUNING_CONTEST_H_
#define WEFT_RUNTIME_TUNING_CONTEST_H_

#include <vector>

#include "runtime/plan/choices.h"
#include "runtime/plan/plan.h"

namespace weft {

// The choices with which whole runs of `graph`, whose dims are all static, take least time: each
// against the best so far, by turns, on made-up inputs and a copy of the variables, so that two
// plans need memory at a time: one that there is none for beside the best loses. The first one wins
// unless another is quicker by kClearGain, and where a run fails on what is made up. Where its plan
// joins nodes into one step, for which kernels by themselves have no price, the others run as well
// without what they choose for those. `choices`: one or more. Errors: as Lower's; not enough memory
// for the first plan.
inline constexpr double kClearGain = 0.02;
absl::StatusOr<KernelChoices> QuickestChoices(const Graph& graph, const LowerOptions& options,
                                              std::vector<KernelChoices> choices);

// The choices, and each but the first one also without those for nodes that `plan` joins; each
// once.
std::vector<KernelChoices> WithAndWithoutJoined(std::vector<KernelChoices> choices,
                                                const Plan& plan);

}  // namespace weft

#endif  // WEFT_RUNTIME_TUNING_CONTEST_H_
