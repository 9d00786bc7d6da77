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

// The step's graph: as outputs the gradients of the loss by every parameter and what the parameters
// and the running statistics become, which are updates too.
RandomGraph TrainingStep(uint32_t seed) {
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
    const std::string name = "d" + parameters[i].node->name();
    EXPECT_EQ(graph.AddOutput(name, (*gradients)[i]), absl::OkStatus());
    Emitter e(graph, "step");
    const Value change = e.Op("Mul", {(*gradients)[i], e.Scalar(0.1, DType::kF64)});
    const Value next = e.Op("Sub", {parameters[i], change});
    EXPECT_EQ(graph.AddUpdate(parameters[i].node, next), absl::OkStatus());
  }
  for (const Update& update : graph.updates()) {
    EXPECT_EQ(graph.AddOutput(update.variable->name(), update.value), absl::OkStatus());
  }
  EXPECT_EQ(graph.AddOutput("loss", losses[0]), absl::OkStatus());
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

}  // namespace
}  // namespace weft
