#include "frontend/train/optimizer.h"

#include <string>
#include <vector>

#include "graph/emitter.h"

namespace weft {
namespace {

struct Parameter {
  Node* variable;
  Value gradient;
};

absl::Status CheckOptions(const OptimizerOptions& o) {
  if (!(o.momentum >= 0 && o.momentum < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer: expected a momentum in [0,1), got ", o.momentum));
  }
  if (!(o.weight_decay >= 0 && o.weight_decay < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer: expected a weight decay in [0,1), got ", o.weight_decay));
  }
  if (o.nesterov && o.momentum == 0) {
    return absl::InvalidArgumentError("optimizer: Nesterov's step needs a momentum above 0");
  }
  return absl::OkStatus();
}

// w - lr * (g + decay * w), one composition a parameter.
absl::Status AddPlainSteps(Graph& graph, std::span<const Parameter> parameters, Value rate,
                           double decay) {
  for (const auto& [variable, gradient] : parameters) {
    Emitter e(graph, absl::StrCat("sgd/", variable->name()));
    const Value w = variable->output();
    Value direction = gradient;
    if (decay != 0) {
      direction = e.Op("Add", {direction, e.Op("Mul", {e.Scalar(decay, w.type().dtype), w})});
    }
    const Value next = e.Op("Sub", {w, e.Op("Mul", {rate, direction})});
    WEFT_RETURN_IF_ERROR(e.status());
    WEFT_RETURN_IF_ERROR(graph.AddUpdate(variable, next));
  }
  return absl::OkStatus();
}

// One Momentum node for all the parameters.
absl::Status AddMomentumStep(Graph& graph, std::span<const Parameter> parameters, Value rate,
                             Value step, double decay, const OptimizerOptions& options) {
  std::vector<Value> inputs = {rate, step};
  for (const Parameter& p : parameters) inputs.push_back(p.variable->output());
  for (const Parameter& p : parameters) inputs.push_back(p.gradient);
  std::vector<Node*> slots;
  for (const Parameter& p : parameters) {
    WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(p.variable->type().shape));
    WEFT_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Zeros(p.variable->type().dtype, dims));
    WEFT_ASSIGN_OR_RETURN(const Value slot,
                          graph.AddVariable(absl::StrCat(p.variable->name(), "/momentum"),
                                            std::move(zeros), /*trainable=*/false, kOptimizerSlot));
    inputs.push_back(slot);
    slots.push_back(slot.node);
  }
  WEFT_ASSIGN_OR_RETURN(
      Node * node,
      graph.AddNode({.op = "Momentum",
                     .name = "optimizer",
                     .inputs = std::move(inputs),
                     .attributes = {{"alpha", options.momentum},
                                    {"beta", 1.0},
                                    {"norm_coefficient", decay},
                                    {"mode", options.nesterov ? "nesterov" : "standard"}}}));
  const int count = static_cast<int>(parameters.size());
  for (int i = 0; i < count; ++i) {
    WEFT_RETURN_IF_ERROR(
        graph.AddUpdate(parameters[static_cast<size_t>(i)].variable, node->output(i)));
    WEFT_RETURN_IF_ERROR(graph.AddUpdate(slots[static_cast<size_t>(i)], node->output(count + i)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddOptimizer(Graph& graph, std::span<Node* const> parameters,
                          std::span<const Value> gradients, const OptimizerOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  if (parameters.empty() || parameters.size() != gradients.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("optimizer: expected parameters with one gradient each, got ",
                     parameters.size(), " parameters and ", gradients.size(), " gradients"));
  }
  // The parameters that are decayed, and the others.
  std::vector<Parameter> groups[2];
  for (size_t i = 0; i < parameters.size(); ++i) {
    const bool decayed = options.decay_vectors || parameters[i]->type().rank() > 1;
    groups[decayed ? 0 : 1].push_back({parameters[i], gradients[i]});
  }
  WEFT_ASSIGN_OR_RETURN(const Value rate, graph.AddInput(std::string(kLearningRateInput),
                                                         {parameters[0]->type().dtype, {}}));
  Value step;
  if (options.momentum != 0) {
    WEFT_ASSIGN_OR_RETURN(step, graph.AddInput(std::string(kStepInput), {DType::kI64, {}}));
  }
  for (int i = 0; i < 2; ++i) {
    if (groups[i].empty()) continue;
    const double decay = i == 0 ? options.weight_decay : 0;
    WEFT_RETURN_IF_ERROR(options.momentum != 0
                             ? AddMomentumStep(graph, groups[i], rate, step, decay, options)
                             : AddPlainSteps(graph, groups[i], rate, decay));
  }
  return absl::OkStatus();
}

}  // namespace weft
