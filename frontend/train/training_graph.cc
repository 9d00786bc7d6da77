#include "frontend/train/training_graph.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "autodiff/gradients.h"
#include "frontend/session/session.h"
#include "passes/passes.h"

namespace weft {
namespace {

// The scores of a classifier: the first output, which must be [N,classes] and no probabilities.
absl::StatusOr<Value> ScoresOf(const Graph& graph) {
  if (graph.outputs().empty()) {
    return absl::InvalidArgumentError("expected a model with scores as output, it has no output");
  }
  const NamedValue& output = graph.outputs()[0];
  if (output.value.type().rank() != 2 || !kFloatTypes.contains(output.value.type().dtype)) {
    return absl::InvalidArgumentError(absl::StrCat("output ", output.name,
                                                   ": expected scores [N,classes], it is ",
                                                   ToString(output.value.type())));
  }
  if (output.value.node->op_name() == "Softmax") {
    return absl::InvalidArgumentError(absl::StrCat(
        "output ", output.name, ": expected scores, it is a Softmax, which the loss contains"));
  }
  return output.value;
}

// Noise is drawn for a batch: [N,...] of a floating-point type, the rest of the dims known.
absl::Status CheckNoise(const Node& input) {
  const TensorType& type = input.type();
  bool fits = type.rank() > 0 && kFloatTypes.contains(type.dtype);
  for (int axis = 1; fits && axis < type.rank(); ++axis) fits = type.dim(axis).is_static();
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "input ", input.name(), ": expected floating-point noise [N,...], it is ", ToString(type)));
}

// Which inputs are for what; errors name those that nothing is fed to.
absl::StatusOr<TrainingForm> FormOf(const Graph& graph, bool stated) {
  TrainingForm form;
  std::string unknown;
  for (const Node* input : graph.inputs()) {
    const std::string& name = input->name();
    if (stated && name == kLabelsInput) {
      form.labels = name;
    } else if (stated && name == kNoiseInput) {
      WEFT_RETURN_IF_ERROR(CheckNoise(*input));
      form.noise = name;
    } else if (form.examples.empty()) {
      form.examples = name;
    } else {
      absl::StrAppend(&unknown, unknown.empty() ? "" : ", ", name);
    }
  }
  if (!form.examples.empty() && unknown.empty()) return form;
  return absl::InvalidArgumentError(
      absl::StrCat("expected a model with one input for examples",
                   stated ? absl::StrCat(", and ", Absl(kLabelsInput), " and ", Absl(kNoiseInput))
                          : std::string(),
                   unknown.empty() ? ", it has none" : ", it has also " + unknown));
}

// Labels and cross-entropy for a classifier that states no loss.
absl::Status AddCrossEntropy(Graph& graph, const LossOptions& options, TrainingForm& form) {
  WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresOf(graph));
  WEFT_ASSIGN_OR_RETURN(const Value labels, graph.AddInput(graph.UniqueName(kLabelsInput),
                                                           {DType::kI64, {scores.type().dim(0)}}));
  form.labels = labels.node->name();
  WEFT_ASSIGN_OR_RETURN(
      Node * loss, graph.AddNode({.op = "SoftmaxCrossEntropyLoss",
                                  .name = "loss",
                                  .inputs = {scores, labels},
                                  .attributes = {{"label_smoothing", options.label_smoothing}}}));
  std::string name = "loss";
  for (int i = 1; std::any_of(graph.outputs().begin(), graph.outputs().end(),
                              [&](const NamedValue& o) { return o.name == name; });
       ++i) {
    name = absl::StrCat("loss_", i);
  }
  return graph.AddLoss(name, loss->output());
}

// Makes the losses and, where the labels are one class an example, the scores what a run computes.
absl::Status KeepLossesAndScores(Graph& graph, TrainingForm& form) {
  const std::vector<NamedValue> outputs = graph.outputs(), losses = graph.losses();
  graph.ClearOutputs();
  for (const NamedValue& loss : losses) {
    form.losses.push_back(loss.name);
    WEFT_RETURN_IF_ERROR(graph.AddOutput(loss.name, loss.value));
  }
  const Node* labels = graph.Find(form.labels);
  const auto scores = std::find_if(outputs.begin(), outputs.end(), [](const NamedValue& output) {
    return output.value.type().rank() == 2 && kFloatTypes.contains(output.value.type().dtype);
  });
  form.scores = labels != nullptr && labels->type().rank() == 1 && scores != outputs.end();
  if (!form.scores) return absl::OkStatus();
  return graph.AddOutput(std::string(kScoresOutput), scores->value);
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
      ScopeOf(loss).empty() ? " (was it optimized for inference?)" : "*"));
}

absl::Status AddTraining(Graph& graph, const TrainingForm& form,
                         const OptimizerOptions& optimizer) {
  std::vector<Node*> parameters;
  std::vector<Value> gradients;
  std::unordered_set<const Node*> seen;
  for (size_t i = 0; i < form.losses.size(); ++i) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<Node*> own, ParametersOf(graph, form.losses[i]));
    std::vector<Value> xs;
    for (Node* variable : own) {
      xs.push_back(variable->output());
      if (seen.insert(variable).second) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "loss ", form.losses[i], ": ", variable->name(), " belongs to another loss already"));
    }
    const Value loss[] = {graph.outputs()[i].value};
    WEFT_ASSIGN_OR_RETURN(const std::vector<Value> dxs, Gradients(graph, loss, xs));
    parameters.insert(parameters.end(), own.begin(), own.end());
    gradients.insert(gradients.end(), dxs.begin(), dxs.end());
  }
  return AddOptimizer(graph, parameters, gradients, optimizer);
}

}  // namespace

absl::StatusOr<FormedGraph> MakeTrainingGraph(const Graph& neutral, const LossOptions& loss,
                                              const OptimizerOptions& optimizer,
                                              PassOptions passes) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForTraining(neutral));
  const bool stated = !graph.losses().empty();
  WEFT_ASSIGN_OR_RETURN(TrainingForm form, FormOf(graph, stated));
  if (!stated) {
    WEFT_RETURN_IF_ERROR(AddCrossEntropy(graph, loss, form));
  } else if (loss.label_smoothing != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("label smoothing ", loss.label_smoothing,
                     ": does not apply to a model that states its own loss"));
  }
  WEFT_RETURN_IF_ERROR(KeepLossesAndScores(graph, form));
  WEFT_RETURN_IF_ERROR(AddTraining(graph, form, optimizer));
  passes.explain = false;
  WEFT_ASSIGN_OR_RETURN(PassReport report, RunPasses(graph, std::move(passes)));
  return FormedGraph{std::move(graph), std::move(form), std::move(report)};
}

absl::StatusOr<FormedGraph> MakeEvaluationGraph(const Graph& neutral) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForInference(neutral, {.freeze = false, .losses = true}));
  const bool stated = !graph.losses().empty();
  WEFT_ASSIGN_OR_RETURN(TrainingForm form, FormOf(graph, stated));
  if (stated) {
    WEFT_RETURN_IF_ERROR(KeepLossesAndScores(graph, form));
  } else {
    WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresOf(graph));
    graph.ClearOutputs();
    WEFT_RETURN_IF_ERROR(graph.AddOutput(std::string(kScoresOutput), scores));
    form.scores = true;
  }
  graph.RemoveDeadNodes();
  WEFT_RETURN_IF_ERROR(RunPasses(graph, {.explain = false}).status());
  return FormedGraph{std::move(graph), std::move(form)};
}

}  // namespace weft
