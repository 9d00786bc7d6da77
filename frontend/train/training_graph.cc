#include "frontend/train/training_graph.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "autodiff/gradients.h"
#include "frontend/session/session.h"
#include "frontend/train/sharpness.h"
#include "graph/bind.h"
#include "passes/passes.h"

namespace weft {
namespace {

// Noise is drawn for a batch: [N,...] of a floating-point type, the rest of the dims known.
absl::Status CheckNoise(const Node& input) {
  const TensorType& type = input.type();
  bool fits = type.rank() > 0 && kFloatTypes.contains(type.dtype);
  for (int axis = 1; fits && axis < type.rank(); ++axis) fits = type.dim(axis).is_static();
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "input ", input.name(), ": expected floating-point noise [N,...], it is ", ToString(type)));
}

// Which inputs are for what.
absl::StatusOr<TrainingForm> FormOf(const Graph& graph, bool stated) {
  TrainingForm form;
  for (const Node* input : InputsForExamples(graph)) form.examples.push_back(input->name());
  for (const Node* input : graph.inputs()) {
    if (!stated) break;
    if (input->name() == kLabelsInput) form.labels = input->name();
    if (input->name() != kNoiseInput) continue;
    WEFT_RETURN_IF_ERROR(CheckNoise(*input));
    form.noise = input->name();
  }
  if (!form.examples.empty()) return form;
  return absl::InvalidArgumentError("expected a model with an input for examples, it has none");
}

// Labels and the loss for a model that states none.
absl::Status AddLossTo(Graph& graph, Value scores, const LossOptions& options, TrainingForm& form) {
  WEFT_ASSIGN_OR_RETURN(const Value labels, graph.AddInput(graph.UniqueName(kLabelsInput),
                                                           LabelsFor(scores.type(), options)));
  form.labels = labels.node->name();
  form.ignored = options.ignore_index;
  WEFT_ASSIGN_OR_RETURN(const Value loss, AddLoss(graph, scores, labels, options));
  std::string name = "loss";
  for (int i = 1; std::any_of(graph.outputs().begin(), graph.outputs().end(),
                              [&](const NamedValue& o) { return o.name == name; });
       ++i) {
    name = absl::StrCat("loss_", i);
  }
  return graph.AddLoss(name, loss);
}

// How many classes labels of the input may name, by the scores beside them; 0: any number.
int64_t ClassesOf(const Node* labels, Value scores) {
  if (labels == nullptr || !kIndexTypes.contains(labels->type().dtype) || scores.null() ||
      scores.type().rank() != labels->type().rank() + 1) {
    return 0;
  }
  const Dim& classes = scores.type().dim(1);
  return classes.is_static() ? classes.coefficient() : 0;
}

// The first output of [N,classes], N being the labels'; else of any [rows,classes].
const NamedValue* ScoresAmong(const std::vector<NamedValue>& outputs, const Node& labels) {
  const NamedValue* scores = nullptr;
  for (const NamedValue& output : outputs) {
    const TensorType& type = output.value.type();
    if (type.rank() != 2 || !kFloatTypes.contains(type.dtype)) continue;
    if (type.dim(0) == labels.type().dim(0)) return &output;
    if (scores == nullptr) scores = &output;
  }
  return scores;
}

// Makes the losses and, where the labels are one class an example, the scores what a run computes.
absl::Status KeepLossesAndScores(Graph& graph, TrainingForm& form, Value scores) {
  const std::vector<NamedValue> outputs = graph.outputs(), losses = graph.losses();
  graph.ClearOutputs();
  for (const NamedValue& loss : losses) {
    form.losses.push_back(loss.name);
    WEFT_RETURN_IF_ERROR(graph.AddOutput(loss.name, loss.value));
  }
  const Node* labels = graph.Find(form.labels);
  if (scores.null() && labels != nullptr && labels->type().rank() == 1) {
    if (const NamedValue* found = ScoresAmong(outputs, *labels)) scores = found->value;
  }
  form.classes = ClassesOf(labels, scores);
  form.scores = labels != nullptr && labels->type().rank() == 1 && !scores.null();
  if (!form.scores) return absl::OkStatus();
  return graph.AddOutput(std::string(kScoresOutput), scores);
}

// "generator." of generator.loss; "" of loss.
std::string_view ScopeOf(std::string_view loss) {
  const size_t dot = loss.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : loss.substr(0, dot + 1);
}

// The trainable variables of a loss.
absl::StatusOr<std::vector<Node*>> ParametersOf(const Graph& graph, std::string_view loss) {
  std::vector<Node*> parameters;
  for (Node* variable : graph.variables()) {
    if (IsTrainable(*variable) && variable->name().starts_with(ScopeOf(loss))) {
      parameters.push_back(variable);
    }
  }
  if (!parameters.empty()) return parameters;
  return absl::InvalidArgumentError(absl::StrCat(
      "nothing to train", ScopeOf(loss).empty() ? "" : " for the loss ",
      ScopeOf(loss).empty() ? "" : Absl(loss), ": the model has no trainable variables",
      ScopeOf(loss).empty() ? "" : " called ", Absl(ScopeOf(loss)),
      ScopeOf(loss).empty() ? " (was it optimized for inference, or is all of it frozen?)" : "*"));
}

absl::Status AddTraining(Graph& graph, const TrainingForm& form, const OptimizerOptions& optimizer,
                         const LateParameters& late) {
  std::vector<Descent> descents;
  std::unordered_set<const Node*> seen;
  for (size_t i = 0; i < form.losses.size(); ++i) {
    Descent& descent = descents.emplace_back();
    WEFT_ASSIGN_OR_RETURN(descent.parameters, ParametersOf(graph, form.losses[i]));
    std::vector<Value> xs;
    for (Node* variable : descent.parameters) {
      xs.push_back(variable->output());
      if (seen.insert(variable).second) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "loss ", form.losses[i], ": ", variable->name(), " belongs to another loss already"));
    }
    const Value loss[] = {graph.outputs()[i].value};
    WEFT_ASSIGN_OR_RETURN(descent.gradients, Gradients(graph, loss, xs));
    WEFT_RETURN_IF_ERROR(SharpenGradients(graph, loss[0], optimizer.sam, descent));
  }
  return AddOptimizer(graph, descents, optimizer, late);
}

}  // namespace

absl::StatusOr<FormedGraph> MakeTrainingGraph(const Graph& neutral, const LossOptions& loss,
                                              const OptimizerOptions& optimizer, PassOptions passes,
                                              const FineTuneOptions& finetune,
                                              const LateParameters& late) {
  Graph whole = Clone(neutral);
  WEFT_RETURN_IF_ERROR(Freeze(whole, finetune));
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForTraining(whole));
  const bool stated = !graph.losses().empty();
  WEFT_ASSIGN_OR_RETURN(TrainingForm form, FormOf(graph, stated));
  Value scores;
  if (!stated) {
    WEFT_ASSIGN_OR_RETURN(scores, ScoresFor(graph, loss));
    WEFT_RETURN_IF_ERROR(AddLossTo(graph, scores, loss, form));
  } else {
    WEFT_RETURN_IF_ERROR(CheckNoLossOptions(loss));
  }
  WEFT_RETURN_IF_ERROR(KeepLossesAndScores(graph, form, scores));
  WEFT_RETURN_IF_ERROR(AddTraining(graph, form, optimizer, late));
  passes.explain = false;
  WEFT_ASSIGN_OR_RETURN(PassReport report, RunPasses(graph, std::move(passes)));
  return FormedGraph{std::move(graph), std::move(form), std::move(report)};
}

absl::StatusOr<FormedGraph> MakeEvaluationGraph(const Graph& neutral, const LossOptions& loss) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForInference(neutral, {.freeze = false, .losses = true}));
  const bool stated = !graph.losses().empty();
  WEFT_ASSIGN_OR_RETURN(TrainingForm form, FormOf(graph, stated));
  if (stated) {
    WEFT_RETURN_IF_ERROR(KeepLossesAndScores(graph, form, {}));
  } else {
    WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresFor(graph, loss));
    const bool plain = loss.loss == "cross_entropy" && !loss.targets && scores.type().rank() == 2;
    LossOptions unsmoothed = loss;
    unsmoothed.label_smoothing = 0;
    if (plain) {
      graph.ClearOutputs();
    } else {
      WEFT_RETURN_IF_ERROR(AddLossTo(graph, scores, unsmoothed, form));
      WEFT_RETURN_IF_ERROR(KeepLossesAndScores(graph, form, scores));
    }
    if (!form.scores) WEFT_RETURN_IF_ERROR(graph.AddOutput(std::string(kScoresOutput), scores));
    form.scores = true;
  }
  graph.RemoveDeadNodes();
  WEFT_RETURN_IF_ERROR(RunPasses(graph, {.explain = false}).status());
  return FormedGraph{std::move(graph), std::move(form)};
}

}  // namespace weft
