#include "frontend/train/train.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "frontend/data/loader.h"
#include "frontend/data/random.h"
#include "frontend/session/feeds.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_prefix.h"
#include "graph/bind.h"
#include "passes/passes.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

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

absl::Status CheckOptions(const TrainOptions& o) {
  WEFT_RETURN_IF_ERROR(CheckLossOptions(o.loss));
  if (!o.memory.budget.empty()) {
    WEFT_RETURN_IF_ERROR(ParseMemoryBudget(o.memory.budget).status());
  }
  if (o.finetune.unfreeze_at > 0 && o.finetune.freeze.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("unfreeze_at ", o.finetune.unfreeze_at,
                                                   ": nothing is frozen, freeze names what"));
  }
  return CheckThreads(o.threads);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Make(Model model, const TrainOptions& options,
                                                       const Counts& counts) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Trainer> trainer(new Trainer(std::move(model), options));
  if (options.threads == 0) trainer->options_.threads = AvailableCpus();
  trainer->counts_ = counts;
  if (options.from_features) WEFT_RETURN_IF_ERROR(trainer->LeaveBeginning());
  WEFT_RETURN_IF_ERROR(trainer->BuildGraphs());
  return trainer;
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(Model model, const TrainOptions& options) {
  model.training.reset();
  return Make(std::move(model), options, Counts());
}

absl::Status Trainer::LeaveBeginning() {
  if (options_.finetune.unfreeze_at != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("from_features: what is frozen must stay so, unfreeze_at is ",
                     options_.finetune.unfreeze_at));
  }
  WEFT_ASSIGN_OR_RETURN(FrozenSplit split, SplitFrozen(model_, options_.finetune));
  rest_ = std::move(split.rest.graph);
  return absl::OkStatus();
}

absl::Status Trainer::BuildGraphs() {
  PassOptions passes;
  if (options_.recompute) passes.also = {"recompute_normalization"};
  FineTuneOptions finetune = options_.finetune.At(counts_.epoch);
  OptimizerOptions optimizer = options_.optimizer;
  frozen_ = !finetune.freeze.empty();
  LateParameters late;
  if (!frozen_ && counts_.unfrozen > 0) {
    late = {.patterns = options_.finetune.freeze, .first_batch = counts_.unfrozen};
  }
  if (rest_) {  // is frozen already, and has no variables of the beginning
    finetune = {};
    optimizer = WithoutPatternsFor(model_.graph, *rest_, std::move(optimizer));
  }
  const Graph& neutral = rest_ ? *rest_ : model_.graph;
  WEFT_ASSIGN_OR_RETURN(FormedGraph training, MakeTrainingGraph(neutral, options_.loss, optimizer,
                                                                std::move(passes), finetune, late));
  form_ = std::move(training.form);
  passes_ = std::move(training.report);
  const Node* rate = training.graph.Find(kLearningRateInput);
  dtype_ = rate->type().dtype;
  WEFT_ASSIGN_OR_RETURN(FormedGraph evaluation, MakeEvaluationGraph(neutral, options_.loss));
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

void Trainer::SetPosition(int64_t epoch, int64_t next_batch) {
  counts_.epoch = epoch;
  counts_.next_batch = next_batch;
}

absl::Status Trainer::UnfreezeWhenDue() {
  if (!frozen_ || !options_.finetune.At(counts_.epoch).freeze.empty()) return absl::OkStatus();
  std::unique_ptr<State> before = std::move(state_);
  counts_.unfrozen = counts_.counted;
  kernel_choices_.clear();  // those of another graph, which tell nothing of this one
  resumed_choices_.clear();
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

absl::StatusOr<StepResult> Trainer::Step(const Batch& batch, double learning_rate, bool last) {
  if (!(std::isfinite(learning_rate) && learning_rate >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a learning rate of at least 0, got ", learning_rate));
  }
  WEFT_ASSIGN_OR_RETURN(TensorMap feeds, Feeds(training_graph(), form_, batch));
  if (form_.classes != 0) {
    WEFT_RETURN_IF_ERROR(CheckClasses(batch.labels, form_.classes, form_.ignored));
  }
  feeds.emplace(kLearningRateInput, Tensor::Scalar(learning_rate, dtype_));
  const int64_t every = options_.optimizer.accumulation, part = counts_.counted % every;
  const int64_t missing = last ? every - 1 - part : 0;
  const auto feed_count = [&](std::string_view name, int64_t count) {
    feeds.emplace(name, Tensor::Scalar(static_cast<double>(count), DType::kI64));
  };
  feed_count(kStepInput, counts_.counted + missing);
  if (every > 1) feed_count(kPartInput, part);
  RunOptions run = {.key = {.seed = options_.seed,
                            .step = static_cast<uint64_t>(counts_.step),
                            .first_example = static_cast<uint64_t>(batch.first)},
                    .step_seconds = step_seconds_};
  if (watch_every_ > 0 && (counts_.step + 1) % watch_every_ == 0) {
    run.after_step = [this](const PlanStepOperands& o) { ShowGradients(o, gradient_watch_); };
  }
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, options_.numerics.on()
                                                                   ? RunChecked(feeds, run)
                                                                   : training_->Run(feeds, run));
  ++counts_.step;
  counts_.counted += missing + 1;
  StepResult result{.count = feeds.at(form_.examples[0]).dims()[0]};
  for (size_t i = 0; i < form_.losses.size(); ++i) {
    result.losses.push_back(outputs[i].At(0));
    result.loss += result.losses.back();
  }
  if (form_.scores) {
    Evaluation scores;
    WEFT_RETURN_IF_ERROR(AddScores(outputs.back(), batch.labels, &scores, form_.ignored));
    result.correct = scores.correct;
  }
  if (recorded_batches_.insert(result.count).second) {
    RecordChoices(training_->last_plan(), result.count, &kernel_choices_);
  }
  return result;
}

void Trainer::WatchGradients(GradientWatch watch, int64_t every) {
  gradient_watch_ = std::move(watch);
  watch_every_ = every;
}

absl::StatusOr<TensorMap> Trainer::Feeds(const Graph& graph, const TrainingForm& form,
                                         const Batch& batch) const {
  WEFT_RETURN_IF_ERROR(CheckParts(form.examples, batch));
  std::vector<Node*> inputs;
  for (const std::string& name : form.examples) inputs.push_back(graph.Find(name));
  WEFT_ASSIGN_OR_RETURN(TensorMap feeds, FeedExamples(inputs, batch));
  const Tensor x = feeds.at(form.examples[0]);
  if (!form.labels.empty()) {
    WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitLabels(*graph.Find(form.labels), batch.labels));
    feeds.emplace(form.labels, std::move(fitted));
  }
  if (!form.noise.empty() && x.rank() > 0) {
    WEFT_ASSIGN_OR_RETURN(Tensor noise, DrawNoise(graph.Find(form.noise)->type(), x.dims()[0],
                                                  options_.seed, counts_.step));
    feeds.emplace(form.noise, std::move(noise));
  }
  return feeds;
}

absl::Status Trainer::RefreshAverages() {
  if (averages_ == nullptr || averaged_step_ == counts_.step) return absl::OkStatus();
  for (const std::string& name : averages_->names()) {
    const std::string average = absl::StrCat(name, Absl(kAverageSlot));
    WEFT_ASSIGN_OR_RETURN(const Tensor value, state_->Get(state_->Has(average) ? average : name));
    WEFT_RETURN_IF_ERROR(averages_->Set(name, value));
  }
  averaged_step_ = counts_.step;
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Trainer::Scores(const Batch& batch) {
  if (!evaluation_form_.losses.empty()) {
    return absl::FailedPreconditionError(
        "expected a classifier without losses of its own; run a Session on Snapshot() instead");
  }
  WEFT_RETURN_IF_ERROR(RefreshAverages());
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds,
                        Feeds(evaluation_->graph(), evaluation_form_, batch));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, evaluation_->Run(feeds));
  return outputs[0];
}

absl::StatusOr<Evaluation> Trainer::Evaluate(const Batch& batch) {
  WEFT_RETURN_IF_ERROR(RefreshAverages());
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds,
                        Feeds(evaluation_->graph(), evaluation_form_, batch));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, evaluation_->Run(feeds));
  Evaluation result{.count = feeds.at(evaluation_form_.examples[0]).dims()[0],
                    .scored = evaluation_form_.scores};
  if (result.scored) {
    result = {};
    WEFT_RETURN_IF_ERROR(
        AddOutputs(outputs.back(), batch.labels, options_.loss.loss, &result, form_.ignored));
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
  return EvaluateBatches(dataset, batch_size,
                         [this](const Batch& batch) { return Evaluate(batch); });
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
  count.Add(guarded_bytes());
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
