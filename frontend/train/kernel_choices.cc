#include "frontend/train/kernel_choices.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

std::string LayoutNames(const Plan& plan, const std::vector<int>& values) {
  return absl::StrJoin(values, ", ", [&](std::string* out, int v) {
    *out += v < 0 ? "-" : plan.values[static_cast<size_t>(v)].layout.name();
  });
}

// By step.
KernelChoices ChoicesOf(const Plan& plan) {
  KernelChoices choices;
  for (const PlanStep& step : plan.steps) {
    if (step.node == nullptr || step.kernel->name() == "reference") continue;
    choices[step.name] =
        absl::StrCat(step.kernel->implementation(), " (", LayoutNames(plan, step.inputs), ") -> (",
                     LayoutNames(plan, step.outputs), ")");
  }
  return choices;
}

std::string KeyPrefix(int64_t batch) { return absl::StrCat(batch, "/"); }

}  // namespace

void RecordChoices(const Plan& plan, int64_t batch, KernelChoices* choices) {
  const std::string prefix = KeyPrefix(batch);
  std::erase_if(*choices, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  for (auto& [step, choice] : ChoicesOf(plan)) (*choices)[prefix + step] = choice;
}

std::vector<std::string> ChangesOf(const KernelChoices& before, const Plan& plan, int64_t batch) {
  const KernelChoices now = ChoicesOf(plan);
  const std::string prefix = KeyPrefix(batch);
  std::vector<std::string> changes;
  for (auto it = before.lower_bound(prefix); it != before.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    const std::string step = it->first.substr(prefix.size());
    const auto found = now.find(step);
    const std::string after = found == now.end() ? "another" : found->second;
    if (after != it->second) {
      changes.push_back(absl::StrCat(step, ": was ", it->second, ", is ", after));
    }
  }
  return changes;
}

}  // namespace weft
