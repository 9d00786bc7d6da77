#include "frontend/train/kernel_choices.h"

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

std::string KeyPrefix(int64_t batch) { return absl::StrCat(batch, "/"); }

// The entries of batches of one size, by step.
KernelChoices OfBatch(const RecordedChoices& recorded, int64_t batch) {
  const std::string prefix = KeyPrefix(batch);
  KernelChoices choices;
  for (auto it = recorded.lower_bound(prefix);
       it != recorded.end() && it->first.starts_with(prefix); ++it) {
    choices[it->first.substr(prefix.size())] = it->second;
  }
  return choices;
}

class AsRecorded : public ChoiceSource {
 public:
  AsRecorded(const RecordedChoices& recorded, std::string examples,
             std::shared_ptr<ChoiceSource> otherwise)
      : recorded_(recorded), examples_(std::move(examples)), otherwise_(std::move(otherwise)) {}

  absl::StatusOr<KernelChoices> ChoicesFor(const Graph& graph,
                                           const LowerOptions& options) override {
    const Node* examples = graph.Find(examples_);
    if (examples != nullptr && !examples->type().shape.empty()) {
      KernelChoices choices = OfBatch(recorded_, examples->type().shape[0].coefficient());
      if (!choices.empty()) return choices;
    }
    if (otherwise_ == nullptr) return KernelChoices();
    return otherwise_->ChoicesFor(graph, options);
  }

 private:
  const RecordedChoices& recorded_;
  std::string examples_;
  std::shared_ptr<ChoiceSource> otherwise_;
};

}  // namespace

std::shared_ptr<ChoiceSource> ChoicesAsRecorded(const RecordedChoices& recorded,
                                                std::string examples,
                                                std::shared_ptr<ChoiceSource> otherwise) {
  return std::make_shared<AsRecorded>(recorded, std::move(examples), std::move(otherwise));
}

void RecordChoices(const Plan& plan, int64_t batch, RecordedChoices* choices) {
  const std::string prefix = KeyPrefix(batch);
  std::erase_if(*choices, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  for (const auto& [step, choice] : plan.choices) (*choices)[prefix + step] = choice;
}

std::vector<std::string> ChangesOf(const RecordedChoices& before, const Plan& plan, int64_t batch) {
  std::vector<std::string> changes;
  for (const auto& [step, was] : OfBatch(before, batch)) {
    const auto found = plan.choices.find(step);
    const std::string is = found == plan.choices.end() ? "another" : found->second;
    if (is != was) changes.push_back(absl::StrCat(step, ": was ", was, ", is ", is));
  }
  return changes;
}

}  // namespace weft
