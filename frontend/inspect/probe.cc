#include "frontend/inspect/probe.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "autodiff/gradients.h"
#include "frontend/session/fixed_batch.h"
#include "graph/bind.h"
#include "passes/passes.h"

namespace weft {
namespace {

std::string ObjectiveName(size_t i) { return absl::StrCat("objective", i); }
std::string GradientName(size_t i) { return absl::StrCat("gradient", i); }

Value Positive(GradientContext& c) { return c.Op("Relu", {c.dy()}); }

GradientRules RulesOf(BackwardRule rule) {
  if (rule == BackwardRule::kGradient) return {};
  if (rule == BackwardRule::kDeconvolution) {
    const auto positive = [](GradientContext& c) { return InputGradients{Positive(c)}; };
    return {{"Relu", positive}, {"Clip", positive}};
  }
  const auto guided = [](GradientContext& c) {
    GradientContext rectified(static_cast<const Emitter&>(c), c.node(), {Positive(c)}, {true});
    InputGradients result = c.node()->op().gradient(rectified);
    if (!rectified.ok()) c.Fail(rectified.status());
    return result;
  };
  return {{"Relu", guided}, {"Clip", guided}};
}

// The values that a spec names; `whole` for "".
absl::StatusOr<std::vector<Value>> ValuesOf(const Graph& graph,
                                            const std::vector<std::string>& names, Value whole) {
  std::vector<Value> values;
  for (const std::string& name : names) {
    if (name.empty()) {
      values.push_back(whole);
    } else {
      WEFT_ASSIGN_OR_RETURN(values.emplace_back(), NamedValueOf(graph, name));
    }
  }
  return values;
}

// A graph whose outputs are the objectives and what is read besides.
struct Objective {
  Graph graph;
  std::vector<Value> values;
  std::vector<Value> read;
};

absl::StatusOr<Objective> MakeObjectives(const Model& model, const ProbeSpec& spec) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForInference(WithoutLosses(model.graph)));
  const bool reads_scores =
      std::ranges::count(spec.at, "") > 0 || std::ranges::count(spec.read, "") > 0;
  Value scores;
  if (reads_scores) {
    WEFT_ASSIGN_OR_RETURN(scores, ScoresOf(graph));
  }
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> values, ValuesOf(graph, spec.at, scores));
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> read, ValuesOf(graph, spec.read, scores));
  if (spec.objectives) {
    Emitter emitter(graph, "inspect");
    values = spec.objectives(emitter, values);
    WEFT_RETURN_IF_ERROR(Annotate(emitter.status(), "inspect"));
  }
  graph.ClearOutputs();
  graph.ClearUpdates();
  size_t outputs = 0;
  for (const std::vector<Value>* some : {&values, &read}) {
    for (const Value value : *some) {
      WEFT_RETURN_IF_ERROR(graph.AddOutput(ObjectiveName(outputs++), value));
    }
  }
  return Objective{std::move(graph), std::move(values), std::move(read)};
}

// The names of the cotangents' inputs, which are none of the model's nodes'.
absl::StatusOr<std::vector<std::string>> AddGradients(const ProbeSpec& spec, Objective& objective) {
  Graph& graph = objective.graph;
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Value> towards,
                        ValuesOf(graph, spec.towards, input->output()));
  std::vector<Value> cotangents;
  std::vector<std::string> names;
  for (size_t i = 0; i < objective.values.size(); ++i) {
    names.push_back(graph.UniqueName("cotangent"));
    WEFT_ASSIGN_OR_RETURN(cotangents.emplace_back(),
                          graph.AddInput(names.back(), objective.values[i].type()));
  }
  WEFT_ASSIGN_OR_RETURN(
      const std::vector<Value> gradients,
      Gradients(graph, objective.values, towards, cotangents, RulesOf(spec.rule)));
  for (size_t i = 0; i < gradients.size(); ++i) {
    WEFT_RETURN_IF_ERROR(graph.AddOutput(GradientName(i), gradients[i]));
  }
  return names;
}

absl::StatusOr<std::vector<Tensor>> Take(const TensorMap& outputs, size_t count,
                                         std::string (*name)(size_t)) {
  std::vector<Tensor> result;
  for (size_t i = 0; i < count; ++i) result.push_back(outputs.at(name(i)));
  return result;
}

}  // namespace

absl::StatusOr<Value> ScoresOf(const Graph& graph) {
  if (graph.outputs().empty()) {
    return absl::InvalidArgumentError("expected a model with an output, this one has none");
  }
  const Value output = graph.outputs()[0].value;
  return output.node->op_name() == "Softmax" ? output.node->input(0) : output;
}

absl::StatusOr<std::unique_ptr<Probe>> Probe::Create(const Model& model, const ProbeSpec& spec) {
  std::unique_ptr<Probe> probe(new Probe());
  WEFT_ASSIGN_OR_RETURN(Objective objective, MakeObjectives(model, spec));
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(objective.graph));
  probe->input_ = input->name();
  for (const Value value : objective.values) probe->types_.push_back(value.type());
  for (const Value value : objective.read) probe->types_.push_back(value.type());
  probe->objectives_ = objective.values.size();
  probe->towards_ = spec.towards.size();
  probe->session_ = spec.session;
  probe->forward_model_.emplace(Clone(objective.graph)).graph.RemoveDeadNodes();
  if (spec.towards.empty()) {
    WEFT_RETURN_IF_ERROR(probe->MakeForward());
    return probe;
  }
  WEFT_ASSIGN_OR_RETURN(probe->cotangents_, AddGradients(spec, objective));
  objective.graph.RemoveDeadNodes();
  WEFT_ASSIGN_OR_RETURN(probe->backward_,
                        Session::Create(Model(std::move(objective.graph)), spec.session));
  return probe;
}

absl::Status Probe::MakeForward() {
  if (forward_ != nullptr) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(forward_, Session::Create(*forward_model_, session_));
  forward_model_.reset();
  return absl::OkStatus();
}

const Node& Probe::input() const {
  return *(backward_ != nullptr ? backward_ : forward_)->graph().Find(input_);
}

absl::StatusOr<std::vector<Tensor>> Probe::Values(const Tensor& x) {
  WEFT_RETURN_IF_ERROR(MakeForward());
  WEFT_ASSIGN_OR_RETURN(const Tensor fitted, FitToInput(input(), x));
  return RunInBatchesOf(
      FixedBatch(input()), std::array{fitted},
      [this](std::span<const Tensor> batch) -> absl::StatusOr<std::vector<Tensor>> {
        WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, forward_->Run({{input_, batch[0]}}));
        return Take(outputs, types_.size(), ObjectiveName);
      });
}

absl::StatusOr<Probe::Result> Probe::Backward(const Tensor& x, std::span<const Tensor> cotangents) {
  if (backward_ == nullptr) {
    return absl::FailedPreconditionError("inspect: the probe has nothing towards which to go back");
  }
  if (cotangents.size() != objectives_) {
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected ", objectives_, " cotangents, got ", cotangents.size()));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitToInput(input(), x));
  std::vector<Tensor> batches = {std::move(fitted)};
  batches.insert(batches.end(), cotangents.begin(), cotangents.end());
  WEFT_ASSIGN_OR_RETURN(
      std::vector<Tensor> all,
      RunInBatchesOf(FixedBatch(input()), batches,
                     [this](std::span<const Tensor> parts) { return RunBackward(parts); }));
  Result result;
  const auto values = all.begin() + static_cast<ptrdiff_t>(types_.size());
  result.gradients.assign(std::move_iterator(values), std::move_iterator(all.end()));
  all.resize(types_.size());
  result.values = std::move(all);
  return result;
}

// The values and, behind them, the gradients.
absl::StatusOr<std::vector<Tensor>> Probe::RunBackward(std::span<const Tensor> batches) {
  TensorMap feeds = {{input_, batches[0]}};
  for (size_t i = 0; i < objectives_; ++i) feeds[cotangents_[i]] = batches[i + 1];
  WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, backward_->Run(feeds));
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> all, Take(outputs, types_.size(), ObjectiveName));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> gradients, Take(outputs, towards_, GradientName));
  all.insert(all.end(), gradients.begin(), gradients.end());
  return all;
}

absl::StatusOr<Tensor> UnitCotangent(const Tensor& values, int64_t index, double value) {
  const Dims& dims = values.dims();
  if (values.is_empty() || !kFloatTypes.contains(values.dtype()) || dims.size() < 2 || index < 0 ||
      index >= dims[1]) {
    return absl::InvalidArgumentError(absl::StrCat(
        "inspect: expected a unit of values f32 or f64 [N,C,...], of ",
        values.is_empty() ? "nothing" : ToString(values.type()), ", got number ", index));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros(DType::kF64, dims));
  if (result.size() == 0) return result.Converted(values.dtype());  // of no example
  const std::span<double> elements = result.mutable_values<double>();
  const auto channel = elements.size() / static_cast<size_t>(dims[0] * dims[1]);
  const auto channels = static_cast<size_t>(dims[1]);
  for (size_t n = 0; n < static_cast<size_t>(dims[0]); ++n) {
    std::fill_n(&elements[(n * channels + static_cast<size_t>(index)) * channel], channel, value);
  }
  return result.Converted(values.dtype());
}

}  // namespace weft
