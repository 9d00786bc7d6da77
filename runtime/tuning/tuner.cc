#include "runtime/tuning/tuner.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/tuning/choice_file.h"
#include "runtime/tuning/contest.h"

namespace weft {
namespace {

constexpr TuningMode kModes[] = {TuningMode::kOff, TuningMode::kCached, TuningMode::kMeasured};

}  // namespace

std::string_view ToString(TuningMode mode) {
  switch (mode) {
    case TuningMode::kOff:
      return "off";
    case TuningMode::kCached:
      return "cached";
    case TuningMode::kMeasured:
      return "measured";
  }
  return "";
}

absl::StatusOr<TuningMode> ParseTuningMode(std::string_view text) {
  for (const TuningMode mode : kModes) {
    if (ToString(mode) == text) return mode;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "tuning: expected \"off\", \"cached\" or \"measured\", got \"", Absl(text), "\""));
}

std::shared_ptr<Tuner> Tuner::Create(const TuningOptions& options) {
  if (options.mode == TuningMode::kOff) return nullptr;
  return std::shared_ptr<Tuner>(new Tuner(options));
}

void Tuner::Warn(const absl::Status& status) {
  if (!warned_ && options_.warn) options_.warn(std::string(status.message()));
  warned_ = true;
}

const PlacedChoices* Tuner::Find(const std::string& key) {
  const auto known = known_.find(key);
  if (known != known_.end()) return &known->second;
  if (options_.folder.empty()) return nullptr;
  auto found = ChoiceFolder(options_.folder).Find(key);
  if (!found.ok()) Warn(found.status());
  if (!found.ok() || !found->has_value()) return nullptr;
  return &known_.emplace(key, **std::move(found)).first->second;
}

absl::StatusOr<KernelChoices> Tuner::ChoicesFor(const Graph& graph, const LowerOptions& options) {
  if (options.reference_only) return KernelChoices();
  const std::lock_guard lock(mutex_);
  const std::string key = TuningKey(graph, options.threads, options_.max_error);
  if (const PlacedChoices* known = Find(key)) return ByName(graph, *known);
  if (options_.mode != TuningMode::kMeasured) return KernelChoices();
  WEFT_ASSIGN_OR_RETURN(SearchResult result, SearchChoices(graph, {.threads = options.threads,
                                                                   .max_error = options_.max_error,
                                                                   .progress = options_.progress}));
  std::vector<KernelChoices> contest = {{}, std::move(result.choices)};
  std::ranges::move(result.cautious, std::back_inserter(contest));
  WEFT_ASSIGN_OR_RETURN(const KernelChoices best,
                        QuickestChoices(graph, options, std::move(contest)));
  const PlacedChoices& choices = known_[key] = ByPlace(graph, best);
  if (!options_.folder.empty()) {
    const absl::Status kept = ChoiceFolder(options_.folder).Keep(key, choices);
    if (!kept.ok()) Warn(kept);
  }
  return best;
}

}  // namespace weft
