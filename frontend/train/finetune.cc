#include "frontend/train/finetune.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/io/names.h"
#include "frontend/train/parameter_groups.h"

namespace weft {
namespace {

constexpr int kMeanInput = 3;  // BatchNormalization's running mean

absl::Status NothingMatches(const std::string& pattern, const std::vector<Node*>& variables) {
  std::vector<std::string_view> names;
  for (const Node* variable : variables) names.push_back(variable->name());
  const std::string_view nearest = NearestName(pattern, names);
  return absl::InvalidArgumentError(
      absl::StrCat("freeze: no variable is called ", pattern,
                   nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
}

}  // namespace

FineTuneOptions FineTuneOptions::At(int64_t epoch) const {
  FineTuneOptions now = *this;
  if (unfreeze_at <= 0 || epoch < unfreeze_at) return now;
  now.freeze.clear();
  now.unfreeze_at = 0;
  return now;
}

absl::Status Freeze(Graph& neutral, const FineTuneOptions& options) {
  if (options.unfreeze_at < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("unfreeze_at: expected an epoch from 0 on, got ", options.unfreeze_at));
  }
  const std::vector<Node*> variables = neutral.variables();
  for (const std::string& pattern : options.freeze) {
    int matches = 0;
    for (Node* variable : variables) {
      if (!MatchesVariable(pattern, variable->name())) continue;
      ++matches;
      if (IsTrainable(*variable)) {
        WEFT_RETURN_IF_ERROR(neutral.SetAttribute(variable, "trainable", 0));
      }
    }
    if (matches == 0) return NothingMatches(pattern, variables);
  }
  if (!options.freeze_statistics) return absl::OkStatus();
  const auto is_frozen = [&](const Node& variable) {
    return std::any_of(
        options.freeze.begin(), options.freeze.end(),
        [&](const std::string& pattern) { return MatchesVariable(pattern, variable.name()); });
  };
  for (Node& node : neutral.nodes()) {
    if (node.op_name() != "BatchNormalization" || !is_frozen(*node.input(kMeanInput).node))
      continue;
    WEFT_RETURN_IF_ERROR(neutral.SetAttribute(&node, "mode", "inference"));
  }
  return absl::OkStatus();
}

}  // namespace weft
