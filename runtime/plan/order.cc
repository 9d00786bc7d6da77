#include <algorithm>

#include "runtime/plan/lowering.h"

namespace weft {
namespace {

// By buffer: whether a step reads it.
std::vector<bool> FindReads(const Plan& plan) {
  std::vector<bool> read(plan.buffers.size());
  for (const PlanStep& step : plan.steps) {
    if (step.kernel->workspace_owner() != nullptr) read[Index(step.workspace)] = true;
    for (int v : step.inputs) {
      if (v >= 0) read[Index(plan.values[Index(v)].buffer)] = true;
    }
  }
  return read;
}

}  // namespace

// Moves the steps that only updates read to the end, and of those the ones that may overwrite a
// variable, and cannot fail, to the very end: nothing that could fail comes after a variable has
// changed, and variables have no readers after their update.
absl::Status OrderStage(Lowering& lowering) {
  Plan& plan = lowering.plan;
  const std::vector<bool> read = FindReads(plan);
  const auto only_updates = [&](const PlanStep& step) {
    const bool shares_workspace = step.workspace >= 0 && read[Index(step.workspace)];
    return !shares_workspace && std::all_of(step.outputs.begin(), step.outputs.end(), [&](int v) {
      return !read[Index(plan.values[Index(v)].buffer)] &&
             lowering.BufferOf(v).place == Place::kArena;
    });
  };
  const auto may_overwrite = [&](const PlanStep& step) {
    const std::vector<Alias> aliases = AliasesOf(step);
    return !plan.MayFail(step) &&
           std::any_of(aliases.begin(), aliases.end(), [&](const Alias& alias) {
             return lowering.BufferOf(step.inputs[Index(alias.input)]).place == Place::kVariable;
           });
  };
  const auto tail =
      std::stable_partition(plan.steps.begin(), plan.steps.end(),
                            [&](const PlanStep& step) { return !only_updates(step); });
  std::stable_partition(tail, plan.steps.end(),
                        [&](const PlanStep& step) { return !may_overwrite(step); });
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const auto checked = plan.steps[s].kernel->CheckedInputs();
    if (checked && !checked->empty() && !plan.MayFail(plan.steps[s])) {
      plan.checks.push_back(static_cast<int>(s));
    }
  }
  return absl::OkStatus();
}

}  // namespace weft
