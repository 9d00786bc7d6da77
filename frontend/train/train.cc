#include "frontend/train/train.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "frontend/data/loader.h"
#include "frontend/data/random.h"
#include "frontend/session/session.h"
#include "graph/bind.h"
#include "passes/passes.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr std::string_view kNextBatch = "next_batch";
constexpr std::string_view kFirstStep = "optimizer_first_step";
constexpr std::string_view kUnfrozenStep = "optimizer_unfrozen_step";
// The limit on a training state's numbers, so that counting on from them cannot overflow.
constexpr int64_t kMaxCount = int64_t{1} << 53;

// Standard normal numbers of an input's type for a batch, by seed and step.
absl::StatusOr<Tensor> DrawNoise(const TensorType& type, int64_t batch, uint64_t seed,
                                 int64_t step) {
  Dims dims = {batch};
  for (int axis = 1; axis < type.rank(); ++axis) dims.push_back(type.dim(axis).coefficient());
  WEFT_ASSIGN_OR_RETURN(Tensor noise, Tensor::Zeros(type.dtype, dims));
  RandomStream random(seed, RandomPurpose::kNoise, static_cast<uint64_t>(step));
  WEFT_RETURN_IF_ERROR(VisitFloat(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (T& element : noise.mutable_values<T>()) {
      // Box and Muller 1958, the cosine half.
      const double radius = std::sqrt(-2 * std::log(1 - static_cast<double>(random.Uniform())));
      const double angle = 2 * std::numbers::pi * static_cast<double>(random.Uniform());
      element = static_cast<T>(radius * std::cos(angle));
    }
  }));
  return noise;
}

Model CopyOf(const Model& model) {
  Model copy(Clone(model.graph));
  copy.preprocessing = model.preprocessing;
  copy.class_names = model.class_names;
  copy.metadata = model.metadata;
  return copy;
}

absl::Status CheckOptions(const TrainOptions& o) {
  WEFT_RETURN_IF_ERROR(CheckLossOptions(o.loss));
  if (!o.memory.budget.empty()) {
    WEFT_RETURN_IF_ERROR(ParseMemoryBudget(o.memory.budget).status());
  }
  return CheckThreads(o.threads);
}

}  // namespace

absl::StatusOr<TrainOptions> OptionsOf(const TrainingState& state) {
  TrainOptions options;
  ConfigReader reader(state.config);
  VisitOptions(options, reader);
  WEFT_RETURN_IF_ERROR(reader.status());
  WEFT_RETURN_IF_ERROR(CheckThreads(state.threads));
  options.seed = state.seed;
  options.threads = static_cast<int>(state.threads);
  return options;
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Make(Model model, const TrainOptions& options,
                                                       const Counts& counts) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Trainer> trainer(new Trainer(std::move(model), options));
  if (options.threads == 0) trainer->options_.threads = AvailableCpus();
  trainer->step_ = counts.step;
  trainer->first_step_ = counts.first_step;
  trainer->unfrozen_step_ = counts.unfrozen_step;
  trainer->epoch_ = counts.epoch;
  trainer->next_batch_ = counts.next_batch;
  WEFT_RETURN_IF_ERROR(trainer->BuildGraphs());
  return trainer;
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(Model model, const TrainOptions& options) {
  model.training.reset();
  return Make(std::move(model), options, Counts());
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

absl::Status Trainer::BuildGraphs() {
  PassOptions passes;
  if (options_.recompute) passes.also = {"recompute_normalization"};
  const FineTuneOptions finetune = options_.finetune.At(epoch_);
  frozen_ = !finetune.freeze.empty();
  LateParameters late;
  if (!frozen_ && unfrozen_step_ > first_step_) {
    late = {.patterns = options_.finetune.freeze, .first_batch = unfrozen_step_ - first_step_};
  }
  WEFT_ASSIGN_OR_RETURN(FormedGraph training,
                        MakeTrainingGraph(model_.graph, options_.loss, options_.optimizer,
                                          std::move(passes), finetune, late));
  form_ = std::move(training.form);
  passes_ = std::move(training.report);
  const Node* rate = training.graph.Find(kLearningRateInput);
  dtype_ = rate->type().dtype;
  WEFT_ASSIGN_OR_RETURN(FormedGraph evaluation, MakeEvaluationGraph(model_.graph, options_.loss));
  evaluation_form_ = std::move(evaluation.form);
  WEFT_ASSIGN_OR_RETURN(state_, State::Create(training.graph));
  if (options_.optimizer.average_decay > 0) {
    WEFT_ASSIGN_OR_RETURN(averages_, State::Create(evaluation.graph));
  }
  State* const evaluated = averages_ != nullptr ? averages_.get() : state_.get();
  const auto arena = std::make_shared<Arena>();
  WEFT_ASSIGN_OR_RETURN(const LowerOptions training_lowering, this->training_lowering());
  training_ = std::make_unique<PlanCache>(std::move(training.graph), state_.get(),
                                          training_lowering, arena);
  evaluation_ =
      std::make_unique<PlanCache>(std::move(evaluation.graph), evaluated, lowering(), arena);
  // A share is one of what this graph takes: what has been frozen till now took less.
  memory_price_.reset();
  memory_budget_ = 0;
  if (!options_.memory.budget.empty()) {
    training_->SetFit([this](const Graph& bound, const LowerOptions& options) {
      return FitMemory(bound, options);
    });
  }
  return absl::OkStatus();
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

absl::StatusOr<Trainer::Counts> Trainer::CountsOf(const TrainingState& state,
                                                  const TrainOptions& options,
                                                  const TrainOptions& before) {
  Counts counts{.step = state.step, .epoch = state.epoch};
  ConfigReader reader(state.config);
  reader(kNextBatch, counts.next_batch);
  reader(kFirstStep, counts.first_step);
  reader(kUnfrozenStep, counts.unfrozen_step);
  WEFT_RETURN_IF_ERROR(reader.status());
  if (before.optimizer.method != options.optimizer.method) counts.first_step = state.step;
  const bool frozen = !options.finetune.At(state.epoch).freeze.empty();
  if (frozen || options.finetune.freeze.empty()) {
    counts.unfrozen_step = -1;
  } else if (counts.unfrozen_step == -1) {
    counts.unfrozen_step = state.step;
  }
  const int64_t begun = counts.first_step <= state.step ? counts.first_step : -1;
  const int64_t unfrozen = counts.unfrozen_step <= state.step ? counts.unfrozen_step + 1 : -1;
  for (const int64_t count : {state.step, state.epoch, counts.next_batch, begun, unfrozen}) {
    if (count >= 0 && count <= kMaxCount) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("training state: expected a step, epoch and batch in [0,", kMaxCount,
                     "], got ", state.step, ", ", state.epoch, " and ", counts.next_batch));
  }
  return counts;
}

absl::Status Trainer::Restore(const TrainingState& state, const TrainOptions& before) {
  WEFT_RETURN_IF_ERROR(RestoreSlots(state, before));
  config_ = state.config;
  kernel_choices_ = resumed_choices_ = state.kernel_choices;
  return absl::OkStatus();
}

void Trainer::SetPosition(int64_t epoch, int64_t next_batch) {
  epoch_ = epoch;
  next_batch_ = next_batch;
}

absl::Status Trainer::UnfreezeWhenDue() {
  if (!frozen_ || !options_.finetune.At(epoch_).freeze.empty()) return absl::OkStatus();
  std::unique_ptr<State> before = std::move(state_);
  unfrozen_step_ = step_;
  if (absl::Status status = BuildGraphs(); !status.ok()) {
    state_ = std::move(before);  // which plans and Snapshot() go on using
    return status;
  }
  for (const std::string& name : before->names()) {
    WEFT_ASSIGN_OR_RETURN(const Tensor value, before->Get(name));
    WEFT_RETURN_IF_ERROR(state_->Set(name, value));
  }
  averaged_step_ = -1;
  recorded_batches_.clear();
  return absl::OkStatus();
}

absl::StatusOr<StepResult> Trainer::Step(const Tensor& images, const Tensor& labels,
                                         double learning_rate, int64_t first_example) {
  if (!(std::isfinite(learning_rate) && learning_rate >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a learning rate of at least 0, got ", learning_rate));
  }
  WEFT_ASSIGN_OR_RETURN(TensorMap feeds, Feeds(training_graph(), form_, images, labels));
  if (form_.classes != 0) {
    WEFT_RETURN_IF_ERROR(CheckClasses(labels, form_.classes, form_.ignored));
  }
  feeds.emplace(kLearningRateInput, Tensor::Scalar(learning_rate, dtype_));
  feeds.emplace(kStepInput, Tensor::Scalar(static_cast<double>(step_ - first_step_), DType::kI64));
  const RandomKey key{.seed = options_.seed,
                      .step = static_cast<uint64_t>(step_),
                      .first_example = static_cast<uint64_t>(first_example)};
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, options_.numerics.on()
                                                                   ? RunChecked(feeds, key)
                                                                   : training_->Run(feeds, key));
  ++step_;
  StepResult result{.count = feeds.at(form_.examples).dims()[0]};
  for (size_t i = 0; i < form_.losses.size(); ++i) {
    result.losses.push_back(outputs[i].At(0));
    result.loss += result.losses.back();
  }
  if (form_.scores) {
    Evaluation scores;
    WEFT_RETURN_IF_ERROR(AddScores(outputs.back(), labels, &scores, form_.ignored));
    result.correct = scores.correct;
  }
  if (recorded_batches_.insert(result.count).second) {
    RecordChoices(training_->last_plan(), result.count, &kernel_choices_);
  }
  return result;
}

absl::StatusOr<TensorMap> Trainer::Feeds(const Graph& graph, const TrainingForm& form,
                                         const Tensor& images, const Tensor& labels) const {
  const Node& examples = *graph.Find(form.examples);
  WEFT_ASSIGN_OR_RETURN(Tensor x, FitToInput(examples, images));
  const DType dtype = examples.type().dtype;
  if (kIndexTypes.contains(dtype) && !x.is_empty() && kFloatTypes.contains(x.dtype())) {
    WEFT_ASSIGN_OR_RETURN(x, x.Converted(dtype));  // numbers of tokens
  }
  TensorMap feeds;
  if (!form.labels.empty()) {
    WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitLabels(*graph.Find(form.labels), labels));
    feeds.emplace(form.labels, std::move(fitted));
  }
  if (!form.noise.empty() && x.rank() > 0) {
    WEFT_ASSIGN_OR_RETURN(
        Tensor noise, DrawNoise(graph.Find(form.noise)->type(), x.dims()[0], options_.seed, step_));
    feeds.emplace(form.noise, std::move(noise));
  }
  feeds.emplace(form.examples, std::move(x));
  return feeds;
}

absl::Status Trainer::RefreshAverages() {
  if (averages_ == nullptr || averaged_step_ == step_) return absl::OkStatus();
  for (const std::string& name : averages_->names()) {
    const std::string average = absl::StrCat(name, Absl(kAverageSlot));
    WEFT_ASSIGN_OR_RETURN(const Tensor value, state_->Get(state_->Has(average) ? average : name));
    WEFT_RETURN_IF_ERROR(averages_->Set(name, value));
  }
  averaged_step_ = step_;
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Trainer::Scores(const Tensor& images) {
  if (!evaluation_form_.losses.empty()) {
    return absl::FailedPreconditionError(
        "expected a classifier without losses of its own; run a Session on Snapshot() instead");
  }
  WEFT_RETURN_IF_ERROR(RefreshAverages());
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds,
                        Feeds(evaluation_->graph(), evaluation_form_, images, {}));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, evaluation_->Run(feeds));
  return outputs[0];
}

absl::StatusOr<Evaluation> Trainer::Evaluate(const Tensor& images, const Tensor& labels) {
  WEFT_RETURN_IF_ERROR(RefreshAverages());
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds,
                        Feeds(evaluation_->graph(), evaluation_form_, images, labels));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, evaluation_->Run(feeds));
  Evaluation result{.count = feeds.at(evaluation_form_.examples).dims()[0],
                    .scored = evaluation_form_.scores};
  if (result.scored) {
    result = {};
    WEFT_RETURN_IF_ERROR(
        AddOutputs(outputs.back(), labels, options_.loss.loss, &result, form_.ignored));
  }
  if (evaluation_form_.losses.empty()) return result;
  double loss = 0;
  for (size_t i = 0; i < evaluation_form_.losses.size(); ++i) loss += outputs[i].At(0);
  result.loss_sum = loss * static_cast<double>(result.count);
  return result;
}

absl::StatusOr<Evaluation> Trainer::Evaluate(const std::shared_ptr<const Dataset>& dataset,
                                             int64_t batch_size) {
  WEFT_ASSIGN_OR_RETURN(batch_size, EvaluationBatch(batch_size));
  return EvaluateBatches(dataset, batch_size, [this](const Batch& batch) {
    return Evaluate(batch.images, batch.labels);
  });
}

absl::StatusOr<Model> Trainer::Snapshot() const {
  Model model = CopyOf(model_);
  WEFT_RETURN_IF_ERROR(state_->StoreTo(model.graph));
  TrainingState& training = model.training.emplace();
  training.step = step_;
  training.epoch = epoch_;
  training.seed = options_.seed;
  training.threads = options_.threads;
  training.config = config_;
  TrainOptions options = options_;
  int64_t next_batch = next_batch_;
  ConfigWriter writer(training.config);
  VisitOptions(options, writer);
  writer(kNextBatch, next_batch);
  int64_t first_step = first_step_;
  writer(kFirstStep, first_step);
  training.config.erase(std::string(kUnfrozenStep));
  if (int64_t unfrozen_step = unfrozen_step_; unfrozen_step >= 0) {
    writer(kUnfrozenStep, unfrozen_step);
  }
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

absl::StatusOr<std::shared_ptr<const Plan>> Trainer::TrainingPlan(int64_t batch) {
  return training_->PlanFor(BindAllSymbols(training_graph(), batch));
}

absl::StatusOr<std::shared_ptr<const Plan>> Trainer::EvaluationPlan(int64_t batch) {
  return evaluation_->PlanFor(BindAllSymbols(evaluation_->graph(), batch));
}

void Trainer::CountInto(MemoryCount& count) const {
  count.Add(model_.graph);
  count.Add(state_->bytes());
  if (averages_ != nullptr) count.Add(averages_->bytes());
  training_->CountInto(count);
  evaluation_->CountInto(count);
  count.Add(std::max(training_->arena_bytes(), evaluation_->arena_bytes()));
}

absl::StatusOr<std::vector<std::string>> Trainer::ChangedKernels(int64_t batch) {
  if (resumed_choices_.empty()) return std::vector<std::string>();
  WEFT_ASSIGN_OR_RETURN(const auto plan, TrainingPlan(batch));
  return ChangesOf(resumed_choices_, *plan, batch);
}

}  // namespace weft
