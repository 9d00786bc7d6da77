#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "autodiff/gradients.h"
#include "graph/emitter.h"
#include "ops/ops.h"
#include "runtime/exec/executable.h"

// Variables in the layouts of a training plan.

namespace weft {
namespace {

using ::testing::HasSubstr;

Tensor Filled(Dims dims, float start) {
  Tensor tensor = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  for (float& v : tensor.mutable_values<float>()) v = std::sin(start += 0.7F);
  return tensor;
}

Value Convolved(Emitter& e, Value x, Value w) {
  return e.Op("Conv", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
}

// A convolution of x with the variable w.
Graph ForwardGraph(int64_t in, int64_t out) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(2), Dim(in), Dim(8), Dim(8)}}).value();
  const Value w = graph.AddVariable("w", Filled({out, in, 3, 3}, 0)).value();
  Emitter e(graph);
  EXPECT_TRUE(graph.AddOutput("y", Convolved(e, x, w)).ok());
  return graph;
}

// With a step of gradient descent with momentum on the mean of relu(y).
Graph TrainingGraph(int64_t in, int64_t out) {
  Graph graph = ForwardGraph(in, out);
  Emitter e(graph);
  const Value w = graph.Find("w")->output();
  const Value loss =
      e.Op("ReduceMean", {e.Op("Relu", {graph.outputs()[0].value})}, {{"keepdims", 0}});
  EXPECT_TRUE(e.ok()) << e.status();
  const Value ys[] = {loss}, xs[] = {w};
  const Value gradient = Gradients(graph, ys, xs).value()[0];
  const Value slot =
      graph.AddVariable("w/momentum", Tensor::Zeros(DType::kF32, {out, in, 3, 3}).value()).value();
  Node* step = e.OpNode(
      "Momentum",
      {e.Scalar(0.1, DType::kF32), e.Constant(Tensor::Scalar(0, DType::kI64)), w, gradient, slot},
      {{"alpha", 0.9}, {"beta", 1.0}, {"norm_coefficient", 0.01}}, 2);
  EXPECT_TRUE(e.ok()) << e.status();
  EXPECT_TRUE(graph.AddUpdate(w.node, step->output(0)).ok());
  EXPECT_TRUE(graph.AddUpdate(slot.node, step->output(1)).ok());
  return graph;
}

size_t CountReorders(const Plan& plan, std::string_view part) {
  return static_cast<size_t>(
      std::count_if(plan.steps.begin(), plan.steps.end(), [&](const PlanStep& step) {
        return step.op == "Reorder" && step.name.find(part) != std::string::npos;
      }));
}

absl::Status RunOn(const Executable& executable, Context& context, int64_t in, Tensor* y) {
  const Tensor x = Filled({2, in, 8, 8}, 3);
  return executable.Run(context, {&x, 1}, {y, 1});
}

// Channels that fill a layout's blocks, and some that are padded.
class VariableLayoutsTest : public testing::TestWithParam<std::pair<int64_t, int64_t>> {
 protected:
  int64_t in() const { return GetParam().first; }
  int64_t out() const { return GetParam().second; }
};

TEST_P(VariableLayoutsTest, AWeightIsNotReorderedFromStepToStep) {
  const VariableLayouts row_major;
  const Graph graph = TrainingGraph(in(), out());
  const auto plain = Executable::Create(graph, {}, {.threads = 2, .variables = &row_major}).value();
  const auto chosen = Executable::Create(graph, {}, {.threads = 2}).value();
  ASSERT_GE(CountReorders(plain->plan(), "reorder w ->"), 1U) << plain->plan().ToString();
  ASSERT_GE(CountReorders(plain->plan(), "ConvGradWeight"), 1U);
  EXPECT_EQ(CountReorders(chosen->plan(), "reorder w ->"), 0U) << chosen->plan().ToString();
  EXPECT_EQ(CountReorders(chosen->plan(), "ConvGradWeight"), 0U);
  const std::vector<PlanVariable>& variables = chosen->plan().variables;
  ASSERT_EQ(variables.size(), 2U);
  EXPECT_FALSE(variables[0].layout.is_plain());
  EXPECT_EQ(variables[0].layout, variables[1].layout);  // the momentum lies like its weight

  // The same bits.
  const auto plain_state = State::Create(graph).value(), state = State::Create(graph).value();
  const auto plain_context = Context::Create(*plain, plain_state.get()).value();
  const auto context = Context::Create(*chosen, state.get()).value();
  EXPECT_EQ(state->LayoutOf("w").value(), variables[0].layout);
  const Tensor before = state->Get("w").value();
  EXPECT_TRUE(before == LeafValue(*graph.Find("w")));
  for (int i = 0; i < 3; ++i) {
    Tensor expected, y;
    ASSERT_TRUE(RunOn(*plain, *plain_context, in(), &expected).ok());
    ASSERT_TRUE(RunOn(*chosen, *context, in(), &y).ok());
    EXPECT_TRUE(y == expected);
  }
  for (const char* name : {"w", "w/momentum"}) {
    EXPECT_TRUE(state->Get(name).value() == plain_state->Get(name).value()) << name;
  }
  EXPECT_FALSE(state->Get("w").value() == before);
}

TEST_P(VariableLayoutsTest, OtherPlansReadTheLayoutThatTheTrainingChose) {
  const Graph training = TrainingGraph(in(), out()), forward = ForwardGraph(in(), out());
  const auto state = State::Create(training).value();
  const auto early = Executable::Create(forward, {}, {.variables = state->layouts()}).value();
  const auto early_context = Context::Create(*early, state.get()).value();
  Tensor expected, y;
  ASSERT_TRUE(RunOn(*early, *early_context, in(), &expected).ok());

  const auto executable = Executable::Create(training, {}).value();
  const auto context = Context::Create(*executable, state.get()).value();
  EXPECT_TRUE(early_context->IsStale());
  EXPECT_EQ(RunOn(*early, *early_context, in(), &y).message(),
            "the state has moved its variables since the context was made");
  EXPECT_THAT(std::string(Context::Create(*early, state.get()).status().message()),
              HasSubstr("variable w: expected layout plain, the state has"));

  const auto late = Executable::Create(forward, {}, {.variables = state->layouts()}).value();
  const auto late_context = Context::Create(*late, state.get()).value();
  ASSERT_TRUE(RunOn(*late, *late_context, in(), &y).ok());
  EXPECT_TRUE(y == expected);
  EXPECT_FALSE(context->IsStale());
}

TEST_P(VariableLayoutsTest, AStateTakesAndGivesRowMajorValues) {
  Graph graph = TrainingGraph(in(), out());
  const auto state = State::Create(graph).value();
  const auto executable = Executable::Create(graph, {}).value();
  const size_t moved = state->BytesIn(executable->plan().variable_layouts());
  const auto context = Context::Create(*executable, state.get()).value();
  EXPECT_EQ(state->bytes(), moved);
  const Tensor value = Filled({out(), in(), 3, 3}, 9);
  ASSERT_TRUE(state->Set("w", value).ok());
  EXPECT_TRUE(state->Get("w").value() == value);
  ASSERT_TRUE(state->StoreTo(graph).ok());
  EXPECT_TRUE(LeafValue(*graph.Find("w")) == value);
  ASSERT_TRUE(state->Move({}).ok());
  EXPECT_TRUE(state->LayoutOf("w").value().is_plain());
  EXPECT_TRUE(state->Get("w").value() == value);
  EXPECT_EQ(state->Move({{"w", Layout::Plain(DType::kF32, {7})}}).message(),
            absl::StrCat("variable w: expected f32[", out(), ",", in(), ",3,3], got f32[7]"));
}

INSTANTIATE_TEST_SUITE_P(Channels, VariableLayoutsTest,
                         testing::Values(std::pair(16, 16), std::pair(3, 20), std::pair(16, 5)));

}  // namespace
}  // namespace weft
