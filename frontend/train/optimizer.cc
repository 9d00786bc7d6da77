#include "frontend/train/optimizer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "frontend/train/optimizer_method.h"
#include "frontend/train/parameter_groups.h"
#include "graph/emitter.h"

namespace weft {
namespace {

struct Parameter {
  Node* variable;
  Value gradient;
  int64_t first_batch = 0;  // the batch from which on it is trained
  Value norm = {};          // of all gradients of its loss, where they are clipped by it
  double max_norm = 0;      // 0: none
};

// Parameters that one node updates.
struct ParameterGroup {
  double rate_factor = 1, decay_factor = 1;
  int64_t first_batch = 0;
  Value norm = {};
  std::vector<Parameter> parameters = {};
};

AttributeMap AttributesOf(const UpdateSpec& spec) {
  return {{"method", std::string(ToString(spec.method))},
          {"momentum", spec.momentum},
          {"dampening", spec.dampening},
          {"beta1", spec.beta1},
          {"beta2", spec.beta2},
          {"alpha", spec.alpha},
          {"epsilon", spec.epsilon},
          {"lr_decay", spec.lr_decay},
          {"momentum_decay", spec.momentum_decay},
          {"trust", spec.trust},
          {"centered", spec.centered ? 1 : 0},
          {"rate_factor", spec.rate_factor},
          {"l1", spec.l1},
          {"l2", spec.l2},
          {"decay", spec.decay},
          {"clip_value", spec.clip_value},
          {"clip_norm", spec.clip_norm},
          {"every", spec.every},
          {"first", spec.first}};
}

// Adds what a step consists of.
class StepBuilder {
 public:
  explicit StepBuilder(Graph& graph) : graph_(graph) {}

  absl::Status AddInputs(DType dtype);
  // Gradients become the means over the batches of a step.
  absl::Status AddAccumulation(std::vector<Parameter>& parameters, int64_t every);
  absl::Status AddGlobalNorm(std::span<Parameter> parameters);
  // The next values of the group's parameters.
  absl::StatusOr<std::vector<Value>> AddSteps(const ParameterGroup& group, UpdateSpec spec);
  absl::Status AddAverage(std::span<Node* const> variables, std::span<const Value> next,
                          const OptimizerOptions& options);

 private:
  // One OptimizerStep node; `tensors` are its variables, gradients and slots.
  absl::StatusOr<Node*> AddNode(const UpdateSpec& spec, Value step, std::vector<Value> tensors,
                                Value norm);
  absl::StatusOr<Value> AddSlot(const Node& variable, std::string_view suffix);

  Graph& graph_;
  Value rate_, step_;
};

absl::Status StepBuilder::AddInputs(DType dtype) {
  WEFT_ASSIGN_OR_RETURN(rate_, graph_.AddInput(std::string(kLearningRateInput), {dtype, {}}));
  WEFT_ASSIGN_OR_RETURN(step_, graph_.AddInput(std::string(kStepInput), {DType::kI64, {}}));
  return absl::OkStatus();
}

absl::StatusOr<Node*> StepBuilder::AddNode(const UpdateSpec& spec, Value step,
                                           std::vector<Value> tensors, Value norm) {
  tensors.insert(tensors.begin(), {rate_, step, norm});
  return graph_.AddNode({.op = "OptimizerStep",
                         .name = graph_.UniqueName("optimizer"),
                         .inputs = std::move(tensors),
                         .attributes = AttributesOf(spec)});
}

// A variable of zeros, or for the average of its parameter's value.
absl::StatusOr<Value> StepBuilder::AddSlot(const Node& variable, std::string_view suffix) {
  Tensor initial = LeafValue(variable);
  if (suffix != kAverageSlot) {
    WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(variable.type().shape));
    WEFT_ASSIGN_OR_RETURN(initial, Tensor::Zeros(variable.type().dtype, dims));
  }
  return graph_.AddVariable(absl::StrCat(variable.name(), Absl(suffix)), std::move(initial),
                            /*trainable=*/false, kOptimizerSlot);
}

absl::Status StepBuilder::AddAccumulation(std::vector<Parameter>& parameters, int64_t every) {
  std::vector<Value> tensors;
  for (const Parameter& p : parameters) {
    WEFT_ASSIGN_OR_RETURN(const Value slot, AddSlot(*p.variable, kGradientSlot));
    tensors.push_back(slot);
  }
  for (const Parameter& p : parameters) tensors.push_back(p.gradient);
  WEFT_ASSIGN_OR_RETURN(const Value part,
                        graph_.AddInput(std::string(kPartInput), {DType::kI64, {}}));
  WEFT_ASSIGN_OR_RETURN(Node * node, AddNode({.method = UpdateMethod::kAccumulate, .every = every},
                                             part, tensors, Value()));
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].gradient = node->output(static_cast<int>(i));
    WEFT_RETURN_IF_ERROR(graph_.AddUpdate(tensors[i].node, parameters[i].gradient));
  }
  return absl::OkStatus();
}

absl::Status StepBuilder::AddGlobalNorm(std::span<Parameter> parameters) {
  std::vector<Value> gradients;
  for (const Parameter& p : parameters) gradients.push_back(p.gradient);
  Emitter e(graph_, "optimizer");
  const Value norm = e.Op("GlobalNorm", std::move(gradients));
  for (Parameter& p : parameters) p.norm = norm;
  return e.status();
}

absl::StatusOr<std::vector<Value>> StepBuilder::AddSteps(const ParameterGroup& group,
                                                         UpdateSpec spec) {
  spec.rate_factor = group.rate_factor;
  spec.first = group.first_batch / spec.every;
  for (double* decay : {&spec.l1, &spec.l2, &spec.decay}) *decay *= group.decay_factor;
  std::vector<Value> tensors;
  for (const Parameter& p : group.parameters) tensors.push_back(p.variable->output());
  for (const Parameter& p : group.parameters) tensors.push_back(p.gradient);
  const size_t first_slot = tensors.size(), n = group.parameters.size();
  for (const std::string_view slot : SlotNames(spec)) {
    for (const Parameter& p : group.parameters) {
      WEFT_ASSIGN_OR_RETURN(const Value value, AddSlot(*p.variable, "/" + std::string(slot)));
      tensors.push_back(value);
    }
  }
  WEFT_ASSIGN_OR_RETURN(Node * node, AddNode(spec, step_, tensors, group.norm));
  for (size_t i = first_slot; i < tensors.size(); ++i) {
    WEFT_RETURN_IF_ERROR(
        graph_.AddUpdate(tensors[i].node, node->output(static_cast<int>(i - first_slot + n))));
  }
  std::vector<Value> next;
  for (size_t i = 0; i < n; ++i) next.push_back(node->output(static_cast<int>(i)));
  return next;
}

absl::Status StepBuilder::AddAverage(std::span<Node* const> variables, std::span<const Value> next,
                                     const OptimizerOptions& options) {
  std::vector<Value> tensors;
  for (const Node* variable : variables) {
    WEFT_ASSIGN_OR_RETURN(const Value slot, AddSlot(*variable, kAverageSlot));
    tensors.push_back(slot);
  }
  tensors.insert(tensors.end(), next.begin(), next.end());
  WEFT_ASSIGN_OR_RETURN(Node * node, AddNode({.method = UpdateMethod::kAverage,
                                              .alpha = options.average_decay,
                                              .every = options.accumulation},
                                             step_, tensors, Value()));
  for (size_t i = 0; i < variables.size(); ++i) {
    WEFT_RETURN_IF_ERROR(graph_.AddUpdate(tensors[i].node, node->output(static_cast<int>(i))));
  }
  return absl::OkStatus();
}

// w min(1, limit / |row|), for each row along axis 0 (torch.renorm).
absl::StatusOr<Value> WithinNorm(Graph& graph, const Parameter& parameter, Value w) {
  if (parameter.max_norm == 0) return w;
  Emitter e(graph, absl::StrCat("max_norm/", parameter.variable->name()));
  const DType dtype = w.type().dtype;
  std::vector<int64_t> axes;
  for (int axis = 1; axis < w.type().rank(); ++axis) axes.push_back(axis);
  const Value norm = e.Op("ReduceL2", {w}, {{"axes", axes}, {"keepdims", 1}});
  const Value most = e.Op("Div", {e.Scalar(parameter.max_norm, dtype), norm});
  const Value limited = e.Op("Mul", {w, e.Op("Min", {most, e.Scalar(1, dtype)})});
  WEFT_RETURN_IF_ERROR(e.status());
  return limited;
}

// Parameters of one rate, decay, beginning and norm each. A pattern may also be meant for those of
// the graph that are frozen.
absl::StatusOr<std::vector<ParameterGroup>> GroupsOf(const Graph& graph,
                                                     std::vector<Parameter> parameters,
                                                     const OptimizerOptions& options) {
  WEFT_ASSIGN_OR_RETURN(NumbersByName rates, NumbersByName::Parse("lr_group", options.lr_group));
  WEFT_ASSIGN_OR_RETURN(NumbersByName decays,
                        NumbersByName::Parse("decay_group", options.decay_group));
  WEFT_ASSIGN_OR_RETURN(NumbersByName norms, NumbersByName::Parse("max_norm", options.max_norm));
  std::vector<ParameterGroup> groups;
  for (Parameter& p : parameters) {
    const std::string& name = p.variable->name();
    const bool vector = p.variable->type().rank() < 2;
    const double rate = rates.Find(name).value_or(1), decay = decays.Find(name).value_or(1);
    if (!vector) p.max_norm = norms.Find(name).value_or(0);
    const double decayed = vector && !options.decay_vectors ? 0 : decay;
    auto group = std::ranges::find_if(groups, [&](const ParameterGroup& g) {
      return g.rate_factor == rate && g.decay_factor == decayed && g.first_batch == p.first_batch &&
             g.norm == p.norm;
    });
    if (group == groups.end()) {
      group = groups.insert(group, {rate, decayed, p.first_batch, p.norm});
    }
    group->parameters.push_back(p);
  }
  for (const Node* variable : graph.variables()) {
    if (IsTrainable(*variable) || VariableRole(*variable) != kParameter) continue;
    rates.Find(variable->name());
    decays.Find(variable->name());
    if (variable->type().rank() >= 2) norms.Find(variable->name());
  }
  for (const NumbersByName* numbers : {&rates, &decays, &norms}) {
    WEFT_RETURN_IF_ERROR(Annotate(numbers->CheckAllFitted(), "optimizer"));
  }
  return groups;
}

// All parameters, loss by loss.
absl::StatusOr<std::vector<Parameter>> OptimizedParameters(std::span<const Descent> descents,
                                                           const LateParameters& late) {
  std::vector<Parameter> all;
  for (const auto& [parameters, gradients] : descents) {
    if (parameters.empty() || parameters.size() != gradients.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("optimizer: expected parameters with one gradient each, got ",
                       parameters.size(), " parameters and ", gradients.size(), " gradients"));
    }
    for (size_t i = 0; i < parameters.size(); ++i) {
      const bool is_late = std::ranges::any_of(late.patterns, [&](const std::string& pattern) {
        return MatchesVariable(pattern, parameters[i]->name());
      });
      all.push_back({parameters[i], gradients[i], is_late ? late.first_batch : 0});
    }
  }
  if (all.empty()) return absl::InvalidArgumentError("optimizer: there is nothing to train");
  return all;
}

}  // namespace

absl::Status AddOptimizer(Graph& graph, std::span<const Descent> descents,
                          const OptimizerOptions& options, const LateParameters& late) {
  WEFT_RETURN_IF_ERROR(CheckOptimizer(options));
  WEFT_ASSIGN_OR_RETURN(std::vector<Parameter> all, OptimizedParameters(descents, late));
  const std::vector<Update> statistics = graph.updates();
  StepBuilder builder(graph);
  WEFT_RETURN_IF_ERROR(builder.AddInputs(all[0].variable->type().dtype));
  if (options.accumulation > 1) {
    WEFT_RETURN_IF_ERROR(builder.AddAccumulation(all, options.accumulation));
  }
  for (std::span<Parameter> rest = all; const Descent& descent : descents) {
    const size_t count = descent.parameters.size();
    if (options.clip_norm > 0) WEFT_RETURN_IF_ERROR(builder.AddGlobalNorm(rest.first(count)));
    rest = rest.subspan(count);
  }
  WEFT_ASSIGN_OR_RETURN(const std::vector<ParameterGroup> groups,
                        GroupsOf(graph, std::move(all), options));
  std::vector<Node*> variables;
  std::vector<Value> next;
  for (const ParameterGroup& group : groups) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<Value> values,
                          builder.AddSteps(group, UpdateSpecFor(options)));
    for (size_t i = 0; i < values.size(); ++i) {
      const Parameter& p = group.parameters[i];
      WEFT_ASSIGN_OR_RETURN(const Value value, WithinNorm(graph, p, values[i]));
      WEFT_RETURN_IF_ERROR(graph.AddUpdate(p.variable, value));
      variables.push_back(p.variable);
      next.push_back(value);
    }
  }
  if (options.average_decay == 0) return absl::OkStatus();
  for (const Update& update : statistics) {
    if (!kFloatTypes.contains(update.variable->type().dtype)) continue;
    variables.push_back(update.variable);
    next.push_back(update.value);
  }
  return builder.AddAverage(variables, next, options);
}

}  // namespace weft
