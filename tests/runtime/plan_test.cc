#include "runtime/plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/emitter.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/executable.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Tensor Filled(Dims dims, float step) {
  Tensor tensor = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  float value = -1;
  for (float& v : tensor.mutable_values<float>()) {
    v = value;
    value = value > 1 ? -1 : value + step;
  }
  return tensor;
}

Value Conv(Emitter& e, Value x, int64_t in, int64_t out) {
  return e.Op("Conv", {x, e.Constant(Filled({out, in, 3, 3}, 0.013F))},
              {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
}

TEST(Plan, HasNoReorderInsideAChainOfSixConvolutionsOf17Channels) {
  Graph graph(StandardOps());
  Value h = graph.AddInput("x", {DType::kF32, {Dim(2), Dim(17), Dim(20), Dim(20)}}).value();
  Emitter e(graph);
  for (int i = 0; i < 6; ++i) h = e.Op("Relu", {Conv(e, h, 17, 17)});
  ASSERT_TRUE(graph.AddOutput("y", h).ok());
  Plan plan = Lower(graph, {.threads = 2}).value();
  std::vector<std::string> ops;
  for (const PlanStep& step : plan.steps) ops.push_back(step.op);
  const auto first = std::find(ops.begin(), ops.end(), "Conv");
  const auto last = std::find(ops.rbegin(), ops.rend(), "Conv").base();
  EXPECT_EQ(std::count(first, last, "Reorder"), 0) << plan.ToString();
  EXPECT_EQ(std::count(first, last, "Conv"), 6);
}

TEST(Plan, PacksConstantWeightsOnceAndKeepsNoPlainCopy) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(16), Dim(8), Dim(8)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("y", Conv(e, x, 16, 16)).ok());
  Plan plan = Lower(graph).value();
  ASSERT_EQ(plan.constants.size(), 1U);
  EXPECT_EQ(plan.constant_bytes, size_t{16 * 16 * 9 * 4});
  ASSERT_EQ(plan.packed_memory.size(), 1U);
  EXPECT_EQ(plan.packed_memory[0].data(), plan.constants[0].data());
  EXPECT_EQ(plan.packed_memory[0].size(), plan.constants[0].bytes());
  for (const PlanStep& step : plan.steps) EXPECT_THAT(step.name, Not(HasSubstr("const")));
}

TEST(Plan, ComputesElementwiseChainsInPlace) {
  Graph graph(StandardOps());
  Value h = graph.AddInput("x", {DType::kF32, {Dim(1000)}}).value();
  Emitter e(graph);
  for (int i = 0; i < 5; ++i) h = e.Op("Sigmoid", {h});
  ASSERT_TRUE(graph.AddOutput("y", e.Op("ReduceSum", {h})).ok());
  Plan plan = Lower(graph).value();
  // One buffer for the whole chain, and the sum's scratch; the input is the caller's.
  EXPECT_LT(plan.arena_bytes, 2U * 4096U) << plan.ToString();
  EXPECT_THAT(plan.ToString(), HasSubstr("(= Sigmoid"));
}

// The first of them in the memory of X, which later steps read; the second in its other operand's.
TEST(Plan, ComputesFusedChainsInTheMemoryOfAnyOperand) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(5000)}}).value();
  const Value row = graph.AddInput("row", {DType::kF32, {Dim(5000)}}).value();
  Emitter e(graph);
  const std::vector<PostOp> swish = {{.op = "Sigmoid"}, {.op = "Mul", .input = 0}},
                            rest = {{.op = "Sub", .input = 1}, {.op = "Mul", .input = 1}};
  const Value first = e.Op("FusedElementwise", {e.Op("Exp", {x})}, {{"steps", swish}});
  ASSERT_TRUE(graph
                  .AddOutput("y", e.Op("ReduceSum",
                                       {e.Op("FusedElementwise", {row, first}, {{"steps", rest}})},
                                       {{"keepdims", 0}}))
                  .ok());
  EXPECT_LT(Lower(graph)->arena_bytes, 2U * 20000U) << Lower(graph)->ToString();
  const TensorMap feeds = {{"x", Filled({5000}, 0.3F)}, {"row", Filled({5000}, 2.0F)}};
  const Tensor fast = RuntimeEvaluator().RunGraph(graph, feeds)->at("y");
  const Tensor slow = ReferenceEvaluator().RunGraph(graph, feeds)->at("y");
  EXPECT_NEAR(fast.At(0) / slow.At(0), 1, 1e-5);
}

TEST(Plan, KeepsAValueThatIsReadAgain) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(64)}}).value();
  Emitter e(graph);
  Value a = e.Op("Sigmoid", {x});
  Value b = e.Op("Relu", {a});
  Value c = e.Op("Tanh", {a});
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Add", {b, e.Op("Mul", {c, a})})).ok());
  const TensorMap feeds = {{"x", Filled({64}, 0.1F)}};
  Tensor fast = RuntimeEvaluator().RunGraph(graph, feeds)->at("y");
  Tensor slow = ReferenceEvaluator().RunGraph(graph, feeds)->at("y");
  for (int64_t i = 0; i < 64; ++i) EXPECT_NEAR(fast.At(i), slow.At(i), 1e-5);
}

TEST(Plan, ReusesMemoryOfValuesThatAreDead) {
  Graph graph(StandardOps());
  Value h = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(16), Dim(32), Dim(32)}}).value();
  Emitter e(graph);
  for (int i = 0; i < 8; ++i) h = Conv(e, h, 16, 16);
  ASSERT_TRUE(graph.AddOutput("y", e.Op("ReduceSum", {h})).ok());
  Plan plan = Lower(graph).value();
  const size_t one = 16 * 32 * 32 * 4;
  EXPECT_LT(plan.arena_bytes, 4 * one) << plan.ToString();
  EXPECT_GE(plan.arena_bytes, 2 * one);
}

TEST(Plan, SaysKernelsLayoutsPlacesAndThePeak) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(32), Dim(8), Dim(8)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Relu", {Conv(e, x, 32, 32)})).ok());
  const Plan plan = Lower(graph).value();
  const std::string text = plan.ToString();
  EXPECT_THAT(text, HasSubstr("Conv: Conv [onednn "));
  EXPECT_THAT(text, HasSubstr("@arena+"));
  EXPECT_THAT(text, HasSubstr("@input0"));
  EXPECT_THAT(text, HasSubstr("@output0"));
  EXPECT_THAT(text, HasSubstr("@constant0"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("arena: ", plan.arena_bytes, " bytes")));
}

TEST(Plan, RefusesAnOpWhoseModeIsOpen) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(4)}}).value();
  Emitter e(graph, "drop");
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Dropout", {x})).ok());
  EXPECT_EQ(Lower(graph).status().message(),
            "drop/Dropout (Dropout): is in mode \"auto\": expected a graph from ForInference or "
            "ForTraining");
}

TEST(Plan, VerifyFindsLiveBuffersThatOverlap) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(64)}}).value();
  Emitter e(graph);
  Value a = e.Op("Sigmoid", {x});
  Value b = e.Op("Tanh", {x});
  Value c = e.Op("Sub", {e.Op("Sub", {a, b}), a});
  ASSERT_TRUE(graph.AddOutput("y", e.Op("ReduceSum", {c})).ok());
  Plan plan = Lower(graph).value();
  ASSERT_TRUE(plan.Verify().ok());
  for (PlanBuffer& buffer : plan.buffers) buffer.offset = 0;
  EXPECT_THAT(std::string(plan.Verify().message()), HasSubstr("overlap while both are live"));
}

TEST(Plan, RunsAPoolingBeforeTheGradientThatReadsItsWorkspace) {
  Graph graph(StandardOps());
  const AttributeMap window = {{"kernel_shape", std::vector<int64_t>{2, 2}},
                               {"strides", std::vector<int64_t>{2, 2}}};
  Value x = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(8), Dim(4), Dim(4)}}).value();
  Value dy = graph.AddInput("dy", {DType::kF32, {Dim(1), Dim(8), Dim(2), Dim(2)}}).value();
  Emitter e(graph);
  Node* pool = e.OpNode("MaxPool", {x}, window);  // whose result nobody reads
  Node* grad = e.OpNode("MaxPoolGrad", {dy, x}, window, -1, pool);
  ASSERT_TRUE(e.ok()) << e.status();
  ASSERT_TRUE(graph.AddOutput("dx", grad->output()).ok());
  const TensorMap feeds = {{"x", Filled({1, 8, 4, 4}, 0.37F)}, {"dy", Filled({1, 8, 2, 2}, 0.3F)}};
  const Tensor fast = RuntimeEvaluator().RunGraph(graph, feeds)->at("dx");
  EXPECT_TRUE(fast == ReferenceEvaluator().RunGraph(graph, feeds)->at("dx"));

  Plan plan = Lower(graph).value();
  auto is_pool = [](const PlanStep& step) { return step.op == "MaxPool"; };
  auto at = std::find_if(plan.steps.begin(), plan.steps.end(), is_pool);
  ASSERT_NE(at, plan.steps.end());
  ASSERT_GE(at->workspace, 0) << plan.ToString();
  std::rotate(at, at + 1, plan.steps.end());
  EXPECT_THAT(std::string(plan.Verify().message()), HasSubstr("reads a workspace before"));
}

TEST(Plan, UpdatesVariablesInPlace) {
  Graph graph(StandardOps());
  Value w = graph.AddVariable("w", Filled({64}, 0.1F)).value();
  Value g = graph.AddInput("g", {DType::kF32, {Dim(64)}}).value();
  Emitter e(graph);
  Value step = e.Op("Mul", {g, e.Scalar(0.5, DType::kF32)});
  ASSERT_TRUE(graph.AddUpdate(w.node, e.Op("Sub", {w, step})).ok());
  Plan plan = Lower(graph).value();
  for (const PlanStep& s : plan.steps) EXPECT_NE(s.op, "Copy") << plan.ToString();
}

TEST(Plan, VerifyFindsAReadOfOverwrittenMemory) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(64)}}).value();
  Emitter e(graph);
  Value a = e.Op("Sigmoid", {x});
  Value b = e.Op("Relu", {a});
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Add", {a, b})).ok());
  Plan plan = Lower(graph).value();
  ASSERT_TRUE(plan.Verify().ok());
  const int in = plan.steps[1].inputs[0];
  const int out = plan.steps[1].outputs[0];
  plan.values[static_cast<size_t>(out)].buffer = plan.values[static_cast<size_t>(in)].buffer;
  EXPECT_THAT(std::string(plan.Verify().message()), HasSubstr("holds something else by then"));
}

TEST(Plan, EveryStageIsDumpedByName) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(32), Dim(8), Dim(8)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Relu", {Conv(e, x, 32, 32)})).ok());
  std::map<std::string, std::string> text;
  for (const std::string& stage : PlanStages()) {
    text[stage] = DumpStage(graph, stage, {.threads = 2}).value();
  }
  EXPECT_THAT(PlanStages(), ::testing::ElementsAre("choose", "variables", "emit", "regions",
                                                   "order", "views", "place", "pack"));
  EXPECT_THAT(text["choose"], HasSubstr("Conv (Conv): onednn "));
  EXPECT_THAT(text["choose"], HasSubstr("Relu (Relu): weft vectors ("));
  EXPECT_THAT(text["emit"], HasSubstr("@arena#"));
  EXPECT_THAT(text["emit"], Not(HasSubstr("(= ")));
  EXPECT_THAT(text["views"], HasSubstr("(= Conv"));
  EXPECT_EQ(text["place"], Lower(graph, {.threads = 2})->ToString());
  EXPECT_EQ(DumpStage(graph, "fuse").status().message(),
            "expected a stage of choose, variables, emit, regions, order, views, place, pack, got "
            "\"fuse\"");
}

TEST(Plan, ASmallStepHasOneThreadAndALargeOneAll) {
  Graph graph(StandardOps());
  const Value small = graph.AddInput("small", {DType::kF32, {Dim(1000)}}).value();
  const Value large = graph.AddInput("large", {DType::kF32, {Dim(1000000)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("a", e.Op("Sigmoid", {small})).ok());
  ASSERT_TRUE(graph.AddOutput("b", e.Op("Sigmoid", {large})).ok());
  const Plan plan = Lower(graph, {.threads = 3}).value();
  ASSERT_EQ(plan.steps.size(), 2U);
  EXPECT_EQ(plan.steps[0].threads, 1);
  EXPECT_EQ(plan.steps[1].threads, 3);
}

// y = BatchNormalization of x, or of its convolution, in training, with the update of its running
// statistics.
struct Normalized {
  explicit Normalized(bool after_conv) : graph(StandardOps()), e(graph) {
    const auto vector = [&](float first) { return Filled({16}, 0.1F * first); };
    x = graph.AddInput("x", {DType::kF32, {Dim(2), Dim(16), Dim(6), Dim(6)}}).value();
    const Value mean = graph.AddVariable("mean", vector(1)).value();
    const Value var = graph.AddVariable("var", Filled({16}, 0)).value();
    Node* norm = e.OpNode("BatchNormalization",
                          {after_conv ? Conv(e, x, 16, 16) : x, e.Constant(vector(2)),
                           e.Constant(vector(3)), mean, var},
                          {{"mode", "training"}}, 5);
    EXPECT_TRUE(e.ok()) << e.status();
    y = norm->output(0);
    EXPECT_TRUE(graph.AddUpdate(mean.node, norm->output(1)).ok());
    EXPECT_TRUE(graph.AddUpdate(var.node, norm->output(2)).ok());
  }
  Graph graph;
  Emitter e;
  Value x, y;
};

size_t CountOps(const Plan& plan, std::string_view op) {
  return static_cast<size_t>(std::count_if(plan.steps.begin(), plan.steps.end(),
                                           [&](const PlanStep& step) { return step.op == op; }));
}

// The variables after two runs on x.
std::vector<Tensor> VariablesAfterTwoRuns(const Graph& graph, const Tensor& x,
                                          const LowerOptions& options) {
  const auto state = State::Create(graph).value();
  const auto executable = Executable::Create(graph, {}, options).value();
  const auto context = Context::Create(*executable, state.get()).value();
  std::vector<Tensor> outputs(executable->plan().outputs.size());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(executable->Run(*context, {&x, 1}, outputs).ok());
  std::vector<Tensor> values;
  for (const std::string& name : state->names()) values.push_back(state->Get(name).value());
  return values;
}

TEST(Plan, RunningStatisticsAreUpdatedWhereTheyLie) {
  for (const bool after_conv : {false, true}) {
    Normalized net(after_conv);
    // More steps follow, none of which can fail.
    ASSERT_TRUE(net.graph.AddOutput("y", net.e.Op("Relu", {Conv(net.e, net.y, 16, 8)})).ok());
    const Plan plan = Lower(net.graph, {.threads = 2}).value();
    EXPECT_EQ(CountOps(plan, "Copy"), 0U) << plan.ToString();
    const Tensor x = Filled({2, 16, 6, 6}, 0.37F);
    const auto fast = VariablesAfterTwoRuns(net.graph, x, {.threads = 2});
    const auto slow = VariablesAfterTwoRuns(net.graph, x, {.reference_only = true});
    for (size_t v = 0; v < fast.size(); ++v) {
      for (int64_t i = 0; i < 16; ++i) EXPECT_NEAR(fast[v].At(i), slow[v].At(i), 1e-5);
    }
    EXPECT_GT(std::abs(fast[0].At(0) - Filled({16}, 0.1F).At(0)), 1e-3);  // they did change
  }
}

TEST(Plan, ANormalizationsGradientLiesInTheMemoryOfItsCotangent) {
  for (const bool after_conv : {false, true}) {
    Graph graph(StandardOps());
    Emitter e(graph);
    const Value input = graph.AddInput("x", {DType::kF32, {2, 16, 6, 6}}).value();
    const Value x = after_conv ? Conv(e, input, 16, 16) : input;
    const Value dy = e.Op("Sigmoid", {x}), c = e.Constant(Filled({16}, 0.1F));
    const Value var = e.Op("Exp", {c});
    const Value dx = e.Op("BatchNormalizationGrad", {dy, x, c, c, var});
    ASSERT_TRUE(graph.AddOutput("y", e.Op("Relu", {dx})).ok());
    const Plan plan = Lower(graph, {.threads = 2}).value();
    const auto gradient =
        std::find_if(plan.steps.begin(), plan.steps.end(),
                     [](const PlanStep& step) { return step.op == "BatchNormalizationGrad"; });
    ASSERT_NE(gradient, plan.steps.end());
    const int result = gradient->outputs[0], cotangent = gradient->inputs[0];
    EXPECT_EQ(plan.values[static_cast<size_t>(result)].alias_of, cotangent) << plan.ToString();

    const TensorMap feeds = {{"x", Filled({2, 16, 6, 6}, 0.37F)}};
    const TensorMap fast = RuntimeEvaluator().RunGraph(graph, feeds).value();
    const TensorMap slow = ReferenceEvaluator().RunGraph(graph, feeds).value();
    for (int64_t i = 0; i < fast.at("y").size(); ++i) {
      const double expected = slow.at("y").At(i);
      EXPECT_NEAR(fast.at("y").At(i), expected, 1e-5 * std::max(1.0, std::abs(expected)));
    }
  }
}

TEST(Plan, ANormalizationsGradientLeavesWhatIsReadAgain) {
  for (const bool is_one_value : {false, true}) {
    Graph graph(StandardOps());
    Emitter e(graph);
    const Value input = graph.AddInput("x", {DType::kF32, {2, 16, 6, 6}}).value();
    const Value x = e.Op("Tanh", {input}), c = e.Constant(Filled({16}, 0.1F));
    const Value dy = is_one_value ? x : e.Op("Sigmoid", {input});
    const Value dx = e.Op("BatchNormalizationGrad", {dy, x, c, c, e.Op("Exp", {c})});
    const Value y = e.Op("Relu", {dx});
    ASSERT_TRUE(graph.AddOutput("y", is_one_value ? y : e.Op("Add", {y, dy})).ok());
    const TensorMap feeds = {{"x", Filled({2, 16, 6, 6}, 0.37F)}};
    const TensorMap fast = RuntimeEvaluator().RunGraph(graph, feeds).value();
    const TensorMap slow = ReferenceEvaluator().RunGraph(graph, feeds).value();
    for (int64_t i = 0; i < fast.at("y").size(); ++i) {
      const double expected = slow.at("y").At(i);
      EXPECT_NEAR(fast.at("y").At(i), expected, 1e-5 * std::max(1.0, std::abs(expected)));
    }
  }
}

TEST(Plan, StatisticsAreCopiedWhereALaterStepMayFail) {
  Normalized net(false);
  const Value index = net.e.Op("ArgMax", {net.y}, {{"axis", 0}, {"keepdims", 0}});
  ASSERT_TRUE(net.graph.AddOutput("y", net.e.Op("Gather", {net.y, index})).ok());
  Plan plan = Lower(net.graph).value();
  EXPECT_EQ(CountOps(plan, "Copy"), 2U) << plan.ToString();
  ASSERT_TRUE(plan.Verify().ok());

  const auto norm = std::find_if(plan.steps.begin(), plan.steps.end(), [](const PlanStep& step) {
    return step.op == "BatchNormalization";
  });
  ASSERT_NE(norm, plan.steps.end());
  plan.steps.resize(plan.steps.size() - 2);
  plan.values.resize(plan.values.size() - 2);
  for (const int i : {1, 2}) {
    PlanValue& next = plan.values[static_cast<size_t>(norm->outputs[static_cast<size_t>(i)])];
    next.buffer = plan.values[static_cast<size_t>(norm->inputs[static_cast<size_t>(i + 2)])].buffer;
  }
  EXPECT_THAT(std::string(plan.Verify().message()),
              HasSubstr("may fail after step BatchNormalization has changed a variable"));
}

}  // namespace
}  // namespace weft
