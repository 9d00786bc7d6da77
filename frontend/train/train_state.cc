// What a Trainer keeps in a model's file, and goes on from.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/train/train.h"
#include "graph/bind.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr std::string_view kNextBatch = "next_batch";
constexpr std::string_view kFirstStep = "optimizer_first_step";
constexpr std::string_view kCounted = "optimizer_counted_batches";
constexpr std::string_view kUnfrozenStep = "optimizer_unfrozen_step";
// The limit on a training state's numbers, so that counting on from them cannot overflow.
constexpr int64_t kMaxCount = int64_t{1} << 53;

Model CopyOf(const Model& model) {
  Model copy(Clone(model.graph));
  copy.preprocessing = model.preprocessing;
  copy.class_names = model.class_names;
  copy.metadata = model.metadata;
  return copy;
}

}  // namespace

absl::StatusOr<TrainOptions> OptionsOf(const TrainingState& state) {
  TrainOptions options;
  ConfigReader reader(state.config);
  VisitOptions(options, reader);
  WEFT_RETURN_IF_ERROR(reader.status());
  // A file may have options that did nothing.
  options.loss = WithLoss(options.loss, options.loss.loss);
  if (!options.loss.targets) options.loss.focal_alpha = LossOptions().focal_alpha;
  if (options.finetune.freeze.empty()) options.finetune.unfreeze_at = 0;
  WEFT_RETURN_IF_ERROR(CheckThreads(state.threads));
  options.seed = state.seed;
  options.threads = static_cast<int>(state.threads);
  return options;
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Resume(Model model, const TrainOptions& options) {
  if (!model.training) {
    return absl::FailedPreconditionError("the model has no training state to resume from");
  }
  const TrainingState state = *std::exchange(model.training, std::nullopt);
  WEFT_ASSIGN_OR_RETURN(const TrainOptions before, OptionsOf(state));
  WEFT_ASSIGN_OR_RETURN(const Counts counts, CountsOf(state, options, before));
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Trainer> trainer, Make(std::move(model), options, counts));
  WEFT_RETURN_IF_ERROR(trainer->Restore(state, before));
  return trainer;
}

absl::Status Trainer::RestoreSlots(const TrainingState& state, const TrainOptions& before) {
  const FineTuneOptions& finetune = options_.finetune;
  // Of an epoch before which things are unfrozen there may be fewer.
  const bool unfreezes = finetune.unfreeze_at != 0 && state.epoch == finetune.unfreeze_at;
  const bool same =
      before.optimizer == options_.optimizer && before.finetune == finetune && !unfreezes;
  const bool same_method = before.optimizer.method == options_.optimizer.method;
  const bool same_parts = before.optimizer.accumulation == options_.optimizer.accumulation;
  for (const Node* variable : training_graph().variables()) {
    // Averages are the model's weights.
    const std::string& name = variable->name();
    if (VariableRole(*variable) != kOptimizerSlot || name.ends_with(kAverageSlot)) continue;
    const auto it = state.slots.find(name);
    if (it == state.slots.end()) {
      if (!same) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("training state: optimizer slot ", name, " is missing"));
    }
    // A part of a mean of so many batches is none of another number.
    const bool other_part = name.ends_with(kGradientSlot) && !same_parts;
    if (!same_method || other_part) continue;
    WEFT_RETURN_IF_ERROR(Annotate(state_->Set(name, it->second), "training state"));
  }
  for (const auto& [name, tensor] : state.slots) {
    const bool trained = name.ends_with(kTrainedSlot);
    const std::string variable = trained ? name.substr(0, name.size() - kTrainedSlot.size()) : name;
    if (trained && state_->Has(variable)) {
      WEFT_RETURN_IF_ERROR(Annotate(state_->Set(variable, tensor), "training state"));
    } else if (same && !state_->Has(variable)) {
      return absl::InvalidArgumentError(
          absl::StrCat("training state: optimizer slot ", name, " belongs to no parameter"));
    }
  }
  return absl::OkStatus();
}

// The counts that a file keeps, but for those of its own fields.
absl::Status Trainer::ReadCounts(const Config& config, Counts& counts) {
  ConfigReader reader(config);
  reader(kNextBatch, counts.next_batch);
  reader(kFirstStep, counts.first_step);
  counts.counted = counts.step - counts.first_step;
  reader(kCounted, counts.counted);
  int64_t unfrozen_step = -1;
  reader(kUnfrozenStep, unfrozen_step);
  WEFT_RETURN_IF_ERROR(reader.status());
  const int64_t begun = counts.first_step <= counts.step ? counts.first_step : -1;
  const int64_t end = counts.first_step + counts.counted;
  const int64_t unfrozen = unfrozen_step <= end ? unfrozen_step + 1 : -1;
  for (const int64_t count :
       {counts.step, counts.epoch, counts.next_batch, begun, counts.counted, unfrozen}) {
    if (count >= 0 && count <= kMaxCount) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("training state: expected a step, epoch and batch in [0,", kMaxCount,
                     "], got ", counts.step, ", ", counts.epoch, " and ", counts.next_batch));
  }
  if (unfrozen_step >= 0) {
    counts.unfrozen = std::max<int64_t>(unfrozen_step - counts.first_step, 0);
  }
  return absl::OkStatus();
}

void Trainer::WriteCounts(const Counts& counts, Config& config) {
  ConfigWriter writer(config);
  const auto write = [&](std::string_view key, int64_t count) { writer(key, count); };
  write(kNextBatch, counts.next_batch);
  write(kFirstStep, counts.first_step);
  config.erase(std::string(kCounted));
  if (counts.counted != counts.step - counts.first_step) write(kCounted, counts.counted);
  config.erase(std::string(kUnfrozenStep));
  if (counts.unfrozen >= 0) write(kUnfrozenStep, counts.first_step + counts.unfrozen);
}

absl::StatusOr<Trainer::Counts> Trainer::CountsOf(const TrainingState& state,
                                                  const TrainOptions& options,
                                                  const TrainOptions& before) {
  Counts counts{.step = state.step, .epoch = state.epoch};
  WEFT_RETURN_IF_ERROR(ReadCounts(state.config, counts));
  const int64_t every = options.optimizer.accumulation, was = before.optimizer.accumulation;
  if (before.optimizer.method != options.optimizer.method) {
    counts.first_step = counts.step;
    counts.counted = 0;
    counts.unfrozen = std::min<int64_t>(counts.unfrozen, 0);
  } else if (every != was && every > 0 && was > 0) {  // as many whole steps, and no part of one
    counts.counted = counts.counted / was * every;
    if (counts.unfrozen > 0) counts.unfrozen = counts.unfrozen / was * every;
  }
  if (!options.finetune.At(state.epoch).freeze.empty() || options.finetune.freeze.empty()) {
    counts.unfrozen = -1;
  } else if (counts.unfrozen == -1) {
    counts.unfrozen = counts.counted;
  }
  return counts;
}

absl::Status Trainer::Restore(const TrainingState& state, const TrainOptions& before) {
  WEFT_RETURN_IF_ERROR(RestoreSlots(state, before));
  config_ = state.config;
  // Where the file ends with the last epoch of what is not frozen any more, they are another
  // graph's, as in UnfreezeWhenDue; another way of choosing chooses anew.
  const bool unfreezes = counts_.unfrozen == counts_.counted && counts_.next_batch == 0;
  const bool chooses_anew = unfreezes || before.tuning != options_.tuning;
  if (!chooses_anew) kernel_choices_ = resumed_choices_ = state.kernel_choices;
  return absl::OkStatus();
}

absl::StatusOr<Model> Trainer::Snapshot() const {
  Model model = CopyOf(model_);
  WEFT_RETURN_IF_ERROR(state_->StoreTo(model.graph));
  TrainingState& training = model.training.emplace();
  training.step = counts_.step;
  training.epoch = counts_.epoch;
  training.seed = options_.seed;
  training.threads = options_.threads;
  training.config = config_;
  TrainOptions options = options_;
  ConfigWriter writer(training.config);
  VisitOptions(options, writer);
  WriteCounts(counts_, training.config);
  for (const Node* variable : training_graph().variables()) {
    if (VariableRole(*variable) != kOptimizerSlot) continue;
    const std::string& name = variable->name();
    WEFT_ASSIGN_OR_RETURN(Tensor value, state_->Get(name));
    if (!name.ends_with(kAverageSlot)) {
      training.slots.emplace(name, std::move(value));
      continue;
    }
    // The model has the average, the training state what goes on being trained.
    const std::string weight = name.substr(0, name.size() - kAverageSlot.size());
    WEFT_ASSIGN_OR_RETURN(training.slots[absl::StrCat(weight, Absl(kTrainedSlot))],
                          state_->Get(weight));
    WEFT_RETURN_IF_ERROR(model.graph.SetLeafValue(model.graph.Find(weight), std::move(value)));
  }
  training.kernel_choices = kernel_choices_;
  return model;
}

}  // namespace weft
