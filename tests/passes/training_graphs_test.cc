// Training steps of random nets made of the zoo's blocks: whatever the passes do to them, every
// parameter gets its gradient and every update is there.

#include <set>

#include "autodiff/gradients.h"
#include "graph/bind.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"
#include "tests/passes/testing_proof.h"

namespace weft {
namespace {

// The mean square of all outputs.
Value LossOf(Graph& graph) {
  Emitter e(graph, "loss");
  Value loss = e.Scalar(0, DType::kF64);
  for (const NamedValue& output : graph.outputs()) {
    const Value square = e.Op("Mul", {output.value, output.value});
    loss = e.Op("Add", {loss, e.Op("ReduceMean", {square}, {{"keepdims", 0}})});
  }
  EXPECT_EQ(e.status(), absl::OkStatus());
  return loss;
}

// The step's graph: the loss is its output, what the parameters and the running statistics become
// are its updates. `wanted` gets the gradients by the parameters, where it is given.
RandomGraph LossStep(uint32_t seed, std::vector<NamedValue>* wanted = nullptr) {
  RandomGraph net = MakeRandomGraph({.seed = seed, .training = true});
  RandomGraph step{ForTraining(net.graph).value(), std::move(net.feeds)};
  Graph& graph = step.graph;
  const std::vector<Value> losses = {LossOf(graph)};
  graph.ClearOutputs();
  std::vector<Value> parameters;
  for (Node* v : graph.variables()) {
    if (IsTrainable(*v)) parameters.push_back(v->output());
  }
  const auto gradients = Gradients(graph, losses, parameters);
  EXPECT_EQ(gradients.status(), absl::OkStatus());
  for (size_t i = 0; gradients.ok() && i < gradients->size(); ++i) {
    if (wanted != nullptr) wanted->push_back({"d" + parameters[i].node->name(), (*gradients)[i]});
    Emitter e(graph, "step");
    const Value change = e.Op("Mul", {(*gradients)[i], e.Scalar(0.1, DType::kF64)});
    const Value next = e.Op("Sub", {parameters[i], change});
    EXPECT_EQ(graph.AddUpdate(parameters[i].node, next), absl::OkStatus());
  }
  EXPECT_EQ(graph.AddOutput("loss", losses[0]), absl::OkStatus());
  return step;
}

void AddUpdatesToOutputs(Graph& graph) {
  for (const Update& update : graph.updates()) {
    EXPECT_EQ(graph.AddOutput(update.variable->name(), update.value), absl::OkStatus());
  }
}

// The same with the gradients and the updates as outputs too.
RandomGraph TrainingStep(uint32_t seed) {
  std::vector<NamedValue> gradients;
  RandomGraph step = LossStep(seed, &gradients);
  for (const NamedValue& gradient : gradients) {
    EXPECT_EQ(step.graph.AddOutput(gradient.name, gradient.value), absl::OkStatus());
  }
  AddUpdatesToOutputs(step.graph);
  return step;
}

// The parameters and the updates; an update computes what the output of its variable's name does.
std::set<std::string> Kept(const Graph& graph) {
  std::set<std::string> kept;
  for (const Node* v : graph.variables()) kept.insert(v->name());
  for (const Update& update : graph.updates()) {
    for (const NamedValue& output : graph.outputs()) {
      const bool is_its = output.name == update.variable->name() && output.value == update.value;
      if (is_its) kept.insert("update " + output.name);
    }
  }
  return kept;
}

void ExpectNoMistake(uint32_t seed, const PassOptions& options) {
  constexpr double kTolerance = 1e-6;
  const auto mistake = [&](const RandomGraph& r) { return Mistake(r, options, kTolerance); };
  RandomGraph step = TrainingStep(seed);
  Graph optimized = Clone(step.graph);
  MustOptimize(optimized, options);
  EXPECT_EQ(Kept(optimized), Kept(step.graph)) << "seed " << seed;
  if (mistake(step).empty()) return;
  const RandomGraph smallest =
      Shrink(std::move(step), [&](const RandomGraph& r) { return !mistake(r).empty(); });
  ADD_FAILURE() << "seed " << seed << ": " << mistake(smallest) << "\n" << ToText(smallest.graph);
}

TEST(TrainingGraphsTest, EveryParameterKeepsItsGradientAndEveryUpdateIsThere) {
  size_t rewrites = 0;
  for (uint32_t seed = 1; seed <= 150 && !HasFailure(); ++seed) {
    ExpectNoMistake(seed, TestOptions());
    RandomGraph step = TrainingStep(seed);
    rewrites += MustOptimize(step.graph).rewrites.size();
  }
  EXPECT_GT(rewrites, 150u);
}

TEST(TrainingGraphsTest, EachPassAloneKeepsThem) {
  uint32_t seed = 0;
  for (const std::string& pass : PassNames()) {
    SCOPED_TRACE(pass);
    for (int i = 0; i < 15 && !HasFailure(); ++i)
      ExpectNoMistake(++seed % 150 + 1, TestOptions({pass}));
  }
}

// Whether all bits of all outputs and updates are the same.
void ExpectSameBits(const RandomGraph& step, const Graph& other, uint32_t seed) {
  Graph expected = Clone(step.graph), actual = Clone(other);
  AddUpdatesToOutputs(expected);
  AddUpdatesToOutputs(actual);
  ReferenceEvaluator evaluator;
  const auto before = evaluator.RunGraph(expected, step.feeds);
  const auto after = evaluator.RunGraph(actual, step.feeds);
  ASSERT_EQ(before.status(), absl::OkStatus());
  ASSERT_EQ(after.status(), absl::OkStatus());
  for (const auto& [name, tensor] : *before) {
    EXPECT_EQ(tensor, after->at(name)) << "seed " << seed << ": " << name;
  }
}

TEST(TrainingGraphsTest, WhatIsComputedAgainHasTheSameBits) {
  size_t rewrites = 0;
  for (uint32_t seed = 1; seed <= 150 && !HasFailure(); ++seed) {
    const RandomGraph step = LossStep(seed);
    Graph optimized = Clone(step.graph);
    rewrites += MustOptimize(optimized, TestOptions({"recompute_normalization"})).rewrites.size();
    ExpectSameBits(step, optimized, seed);
  }
  EXPECT_GT(rewrites, 50u);
}

}  // namespace
}  // namespace weft
