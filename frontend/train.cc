#include "frontend/train.h"

#include <cmath>
#include <utility>

#include "autodiff/gradients.h"
#include "frontend/session.h"
#include "graph/bind.h"
#include "graph/emitter.h"
#include "passes/passes.h"
#include "runtime/parallel.h"

namespace weft {
namespace {

constexpr std::string_view kNextBatch = "next_batch";
// The limit on a training state's numbers, so that counting on from them cannot overflow.
constexpr int64_t kMaxCount = int64_t{1} << 53;

// The options that a file keeps as configuration, by name.
template <typename F>
void VisitOptions(TrainOptions& o, F& f) {
  f("label_smoothing", o.loss.label_smoothing);
  f("momentum", o.optimizer.momentum);
  f("nesterov", o.optimizer.nesterov);
  f("weight_decay", o.optimizer.weight_decay);
  f("decay_vectors", o.optimizer.decay_vectors);
}

std::map<std::string, std::string> KernelsOf(const Plan& plan) {
  std::map<std::string, std::string> kernels;
  for (const PlanStep& step : plan.steps) {
    if (step.op != "Reorder" && step.kernel->name() != "reference") {
      kernels[step.name] = step.kernel->implementation();
    }
  }
  return kernels;
}

// The scores that are trained: the first output, which must be [N,classes] and no probabilities.
absl::StatusOr<Value> ScoresOf(const Graph& graph) {
  if (graph.outputs().empty()) {
    return absl::InvalidArgumentError("expected a model with scores as output, it has no output");
  }
  const auto& [name, value] = graph.outputs()[0];
  if (value.type().rank() != 2 || !kFloatTypes.contains(value.type().dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output ", name, ": expected scores [N,classes], it is ", ToString(value.type())));
  }
  if (value.node->op_name() == "Softmax") {
    return absl::InvalidArgumentError(absl::StrCat(
        "output ", name, ": expected scores, it is a Softmax, which the loss contains"));
  }
  return value;
}

struct TrainingGraph {
  Graph graph;
  std::string labels;
};

// Forward, loss, gradients and optimizer: outputs loss and scores, updates of all variables.
absl::StatusOr<TrainingGraph> MakeTrainingGraph(const Graph& neutral, const TrainOptions& options) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForTraining(neutral));
  WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresOf(graph));
  WEFT_ASSIGN_OR_RETURN(const Value labels, graph.AddInput(graph.UniqueName("labels"),
                                                           {DType::kI64, {scores.type().dim(0)}}));
  WEFT_ASSIGN_OR_RETURN(
      Node * loss,
      graph.AddNode({.op = "SoftmaxCrossEntropyLoss",
                     .name = "loss",
                     .inputs = {scores, labels},
                     .attributes = {{"label_smoothing", options.loss.label_smoothing}}}));
  std::vector<Node*> parameters;
  std::vector<Value> xs;
  for (Node* variable : graph.variables()) {
    if (!IsTrainable(*variable)) continue;
    parameters.push_back(variable);
    xs.push_back(variable->output());
  }
  if (parameters.empty()) {
    return absl::InvalidArgumentError(
        "nothing to train: the model has no trainable variables (was it optimized for inference?)");
  }
  const Value ys[] = {loss->output()};
  WEFT_ASSIGN_OR_RETURN(const std::vector<Value> gradients, Gradients(graph, ys, xs));
  WEFT_RETURN_IF_ERROR(AddOptimizer(graph, parameters, gradients, options.optimizer));
  graph.ClearOutputs();
  WEFT_RETURN_IF_ERROR(graph.AddOutput("loss", loss->output()));
  WEFT_RETURN_IF_ERROR(graph.AddOutput("scores", scores));
  WEFT_RETURN_IF_ERROR(RunPasses(graph).status());
  return TrainingGraph{std::move(graph), labels.node->name()};
}

Model CopyOf(const Model& model) {
  Model copy(Clone(model.graph));
  copy.preprocessing = model.preprocessing;
  copy.class_names = model.class_names;
  copy.metadata = model.metadata;
  return copy;
}

absl::Status CheckOptions(const TrainOptions& o) {
  const double smoothing = o.loss.label_smoothing;
  if (!(smoothing >= 0 && smoothing < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a label smoothing in [0,1), got ", smoothing));
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

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Make(Model model, const TrainOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Trainer> trainer(new Trainer(std::move(model), options));
  if (options.threads == 0) trainer->options_.threads = AvailableCpus();
  WEFT_RETURN_IF_ERROR(trainer->BuildGraphs());
  return trainer;
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(Model model, const TrainOptions& options) {
  model.training.reset();
  return Make(std::move(model), options);
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Resume(Model model, const TrainOptions& options) {
  if (!model.training) {
    return absl::FailedPreconditionError("the model has no training state to resume from");
  }
  const TrainingState state = *std::exchange(model.training, std::nullopt);
  WEFT_ASSIGN_OR_RETURN(const TrainOptions before, OptionsOf(state));
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Trainer> trainer, Make(std::move(model), options));
  WEFT_RETURN_IF_ERROR(trainer->Restore(state, before.optimizer == options.optimizer));
  return trainer;
}

absl::Status Trainer::BuildGraphs() {
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(model_.graph));
  input_ = input->name();
  WEFT_ASSIGN_OR_RETURN(TrainingGraph training, MakeTrainingGraph(model_.graph, options_));
  labels_ = std::move(training.labels);
  const Node* rate = training.graph.Find(kLearningRateInput);
  dtype_ = rate->type().dtype;
  takes_step_ = training.graph.Find(kStepInput) != nullptr;
  WEFT_ASSIGN_OR_RETURN(Graph evaluation, ForInference(model_.graph, {.freeze = false}));
  WEFT_RETURN_IF_ERROR(RunPasses(evaluation).status());
  WEFT_ASSIGN_OR_RETURN(state_, State::Create(training.graph));
  const LowerOptions lowering{.threads = options_.threads,
                              .reference_only = options_.reference_only};
  training_ = std::make_unique<PlanCache>(std::move(training.graph), state_.get(), lowering);
  evaluation_ = std::make_unique<PlanCache>(std::move(evaluation), state_.get(), lowering);
  return absl::OkStatus();
}

absl::Status Trainer::Restore(const TrainingState& state, bool same_optimizer) {
  for (const Node* variable : training_graph().variables()) {
    if (VariableRole(*variable) != kOptimizerSlot) continue;
    const auto it = state.slots.find(variable->name());
    if (it != state.slots.end()) {
      WEFT_RETURN_IF_ERROR(Annotate(state_->Set(variable->name(), it->second), "training state"));
    } else if (same_optimizer) {
      return absl::InvalidArgumentError(
          absl::StrCat("training state: optimizer slot ", variable->name(), " is missing"));
    }
  }
  if (same_optimizer) {
    for (const auto& [name, tensor] : state.slots) {
      if (!state_->Has(name)) {
        return absl::InvalidArgumentError(
            absl::StrCat("training state: optimizer slot ", name, " belongs to no parameter"));
      }
    }
  }
  ConfigReader reader(state.config);
  reader(kNextBatch, next_batch_);
  WEFT_RETURN_IF_ERROR(reader.status());
  for (const int64_t count : {state.step, state.epoch, next_batch_}) {
    if (count >= 0 && count <= kMaxCount) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("training state: expected a step, epoch and batch in [0,", kMaxCount,
                     "], got ", state.step, ", ", state.epoch, " and ", next_batch_));
  }
  step_ = state.step;
  epoch_ = state.epoch;
  config_ = state.config;
  kernel_choices_ = state.kernel_choices;
  return absl::OkStatus();
}

void Trainer::SetPosition(int64_t epoch, int64_t next_batch) {
  epoch_ = epoch;
  next_batch_ = next_batch;
}

absl::StatusOr<StepResult> Trainer::Step(const Tensor& images, const Tensor& labels,
                                         double learning_rate, int64_t first_example) {
  if (!(std::isfinite(learning_rate) && learning_rate >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a learning rate of at least 0, got ", learning_rate));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor x, FitToInput(*training_graph().Find(input_), images));
  TensorMap feeds = {{input_, std::move(x)},
                     {labels_, labels},
                     {std::string(kLearningRateInput), Tensor::Scalar(learning_rate, dtype_)}};
  if (takes_step_) {
    feeds.emplace(kStepInput, Tensor::Scalar(static_cast<double>(step_), DType::kI64));
  }
  const RandomKey key{.seed = options_.seed,
                      .step = static_cast<uint64_t>(step_),
                      .first_example = static_cast<uint64_t>(first_example)};
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, training_->Run(feeds, key));
  ++step_;
  Evaluation scores;
  WEFT_RETURN_IF_ERROR(AddScores(outputs[1], labels, &scores));
  if (kernel_choices_.empty()) {
    WEFT_ASSIGN_OR_RETURN(const Plan* plan, TrainingPlan(scores.count));
    kernel_choices_ = KernelsOf(*plan);
  }
  return StepResult{.loss = outputs[0].At(0), .correct = scores.correct, .count = scores.count};
}

absl::StatusOr<Tensor> Trainer::Scores(const Tensor& images) {
  WEFT_ASSIGN_OR_RETURN(Tensor x, FitToInput(*evaluation_->graph().Find(input_), images));
  WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs,
                        evaluation_->Run({{input_, std::move(x)}}));
  return outputs[0];
}

absl::StatusOr<Evaluation> Trainer::Evaluate(const Tensor& images, const Tensor& labels) {
  WEFT_ASSIGN_OR_RETURN(const Tensor scores, Scores(images));
  Evaluation result;
  WEFT_RETURN_IF_ERROR(AddScores(scores, labels, &result));
  return result;
}

absl::StatusOr<Evaluation> Trainer::Evaluate(const std::shared_ptr<const Dataset>& dataset,
                                             int64_t batch_size) {
  return EvaluateDataset(dataset, batch_size,
                         [this](const Tensor& images) { return Scores(images); });
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
  for (const Node* variable : training_graph().variables()) {
    if (VariableRole(*variable) != kOptimizerSlot) continue;
    WEFT_ASSIGN_OR_RETURN(training.slots[variable->name()], state_->Get(variable->name()));
  }
  training.kernel_choices = kernel_choices_;
  return model;
}

absl::StatusOr<const Plan*> Trainer::TrainingPlan(int64_t batch) {
  return training_->PlanFor(BindAllSymbols(training_graph(), batch));
}

absl::StatusOr<std::vector<std::string>> Trainer::ChangedKernels(int64_t batch) {
  std::vector<std::string> changes;
  if (kernel_choices_.empty()) return changes;
  WEFT_ASSIGN_OR_RETURN(const Plan* plan, TrainingPlan(batch));
  const auto now = KernelsOf(*plan);
  for (const auto& [name, before] : kernel_choices_) {
    const auto it = now.find(name);
    const std::string after = it == now.end() ? "another" : it->second;
    if (after != before) changes.push_back(absl::StrCat(name, ": was ", before, ", is ", after));
  }
  return changes;
}

}  // namespace weft
