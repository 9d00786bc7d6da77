#include "runtime/exec/executable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>

#include "graph/emitter.h"
#include "ops/fused_elementwise.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor Floats(Dims dims, std::vector<float> values) {
  return Tensor::FromValues<float>(std::move(dims), values).value();
}

std::vector<float> FloatsOf(const Tensor& tensor) {
  auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

// y = relu(x) * w, z = y + w, with the variable w and the update w <- z.
struct Fixture {
  Fixture() : graph(StandardOps()) {
    Value x = graph.AddInput("x", {DType::kF32, {Dim(4)}}).value();
    Value w = graph.AddVariable("w", Floats({4}, {1, 2, 3, 4})).value();
    Emitter e(graph);
    Value y = e.Op("Mul", {e.Op("Relu", {x}), w});
    Value z = e.Op("Add", {y, w});
    EXPECT_TRUE(e.ok()) << e.status();
    EXPECT_TRUE(graph.AddOutput("y", y).ok());
    EXPECT_TRUE(graph.AddUpdate(w.node, z).ok());
    state = State::Create(graph).value();
    executable = Executable::Create(graph, {}).value();
    context = Context::Create(*executable, state.get()).value();
  }
  absl::Status Run(const Tensor& x, Tensor* out) {
    return executable->Run(*context, {&x, 1}, {out, 1});
  }
  Graph graph;
  std::unique_ptr<State> state;
  std::unique_ptr<Executable> executable;
  std::unique_ptr<Context> context;
};

TEST(Executable, ComputesOutputsAndAppliesUpdatesAfterwards) {
  Fixture f;
  Tensor out;
  ASSERT_TRUE(f.Run(Floats({4}, {1, -1, 2, 0}), &out).ok());
  EXPECT_THAT(FloatsOf(out), ElementsAre(1, 0, 6, 0));
  EXPECT_THAT(FloatsOf(f.state->Get("w").value()), ElementsAre(2, 2, 9, 4));
  ASSERT_TRUE(f.Run(Floats({4}, {1, 1, 1, 1}), &out).ok());
  EXPECT_THAT(FloatsOf(out), ElementsAre(2, 2, 9, 4));
}

TEST(Executable, WritesIntoTheCallersBuffer) {
  Fixture f;
  Tensor out = Floats({4}, {9, 9, 9, 9});
  const std::byte* before = out.data();
  ASSERT_TRUE(f.Run(Floats({4}, {1, 1, 1, 1}), &out).ok());
  EXPECT_EQ(out.data(), before);
  EXPECT_THAT(FloatsOf(out), ElementsAre(1, 2, 3, 4));
}

// In the arena, in the caller's memory and in a variable's.
TEST(Executable, ShowsWhatEachStepReadsAndGives) {
  Fixture f;
  const Tensor x = Floats({4}, {1, -1, 2, 0});
  Tensor out;
  std::map<std::string, std::vector<float>> seen, read;
  const auto look = [&](const PlanStepOperands& o) {
    ASSERT_EQ(o.inputs.size(), o.step.inputs.size());
    ASSERT_EQ(o.outputs.size(), o.step.outputs.size());
    ASSERT_NE(o.outputs[0], nullptr) << o.step.name;
    ASSERT_NE(o.inputs[0], nullptr) << o.step.name;
    const auto* values = reinterpret_cast<const float*>(o.outputs[0]);
    seen[o.step.op] = {values, values + 4};
    values = reinterpret_cast<const float*>(o.inputs[0]);
    read[o.step.op] = {values, values + 4};
  };
  const RunOptions options = {.key = {}, .after_step = look};
  ASSERT_TRUE(f.executable->Run(*f.context, {&x, 1}, {&out, 1}, options).ok());
  EXPECT_THAT(seen["Relu"], ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(seen["Mul"], ElementsAre(1, 0, 6, 0));
  EXPECT_THAT(seen["Add"], ElementsAre(2, 2, 9, 4));
  EXPECT_THAT(read["Relu"], ElementsAre(1, -1, 2, 0));
}

// The first result, which is read twice, stays in an arena without bytes.
TEST(Executable, ShowsStepsOfTensorsWithoutElements) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(0), Dim(4)}}).value();
  Emitter e(graph);
  const Value h = e.Op("Relu", {x});
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Add", {h, h})).ok());
  const auto executable = Executable::Create(graph, {}).value();
  const auto context = Context::Create(*executable).value();
  const Tensor in = Tensor::Zeros(DType::kF32, {0, 4}).value();
  Tensor out;
  int steps = 0;
  const RunOptions options = {.key = {}, .after_step = [&](const PlanStepOperands&) { ++steps; }};
  ASSERT_TRUE(executable->Run(*context, {&in, 1}, {&out, 1}, options).ok());
  EXPECT_EQ(steps, 2);
}

TEST(Executable, DoesNotChangeAnInputOrASharedOutput) {
  Fixture f;
  const Tensor x = Floats({4}, {-1, -2, 3, 4});
  Tensor out = x;  // shares x's bytes
  ASSERT_TRUE(f.Run(x, &out).ok());
  EXPECT_THAT(FloatsOf(x), ElementsAre(-1, -2, 3, 4));
  EXPECT_THAT(FloatsOf(out), ElementsAre(0, 0, 9, 16));
}

TEST(Executable, NamesAnInputOfTheWrongTypeAndSaysWhatCame) {
  Fixture f;
  Tensor out;
  EXPECT_EQ(f.Run(Floats({3}, {1, 2, 3}), &out).message(), "input x: expected f32[4], got f32[3]");
  EXPECT_EQ(f.Run(Tensor::FromInts(std::vector<int64_t>{1, 2, 3, 4}), &out).message(),
            "input x: expected f32[4], got i64[4]");
  EXPECT_EQ(f.executable->Run(*f.context, {}, {&out, 1}).message(), "expected 1 inputs, got 0");
}

TEST(Executable, RefusesAContextOfAnother) {
  Fixture a;
  Fixture b;
  Tensor out;
  const Tensor x = Floats({4}, {1, 1, 1, 1});
  EXPECT_EQ(a.executable->Run(*b.context, {&x, 1}, {&out, 1}).message(),
            "the context was made for another executable");
}

TEST(Executable, RefusesSymbolsThatNobodyBound) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim::Symbol("N")}}).value();
  ASSERT_TRUE(graph.AddOutput("y", x).ok());
  auto executable = Executable::Create(graph, {});
  EXPECT_THAT(std::string(executable.status().message()),
              HasSubstr("dim N of [N] has no value yet"));
  EXPECT_TRUE(Executable::Create(graph, {{"N", 3}}).ok());
}

TEST(Executable, ReturnsAnInputThatIsAnOutputAsACopy) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(2)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("same", x).ok());
  ASSERT_TRUE(graph.AddOutput("view", e.Op("Identity", {x})).ok());
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable).value();
  std::vector<Tensor> out(2);
  const Tensor in = Floats({2}, {5, 6});
  ASSERT_TRUE(executable->Run(*context, {&in, 1}, out).ok());
  EXPECT_THAT(FloatsOf(out[0]), ElementsAre(5, 6));
  EXPECT_THAT(FloatsOf(out[1]), ElementsAre(5, 6));
}

TEST(Executable, SwapsTwoVariablesThroughTheirUpdates) {
  Graph graph(StandardOps());
  Value a = graph.AddVariable("a", Floats({2}, {1, 2})).value();
  Value b = graph.AddVariable("b", Floats({2}, {3, 4})).value();
  ASSERT_TRUE(graph.AddUpdate(a.node, b).ok());
  ASSERT_TRUE(graph.AddUpdate(b.node, a).ok());
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable, state.get()).value();
  ASSERT_TRUE(executable->Run(*context, {}, {}).ok());
  EXPECT_THAT(FloatsOf(state->Get("a").value()), ElementsAre(3, 4));
  EXPECT_THAT(FloatsOf(state->Get("b").value()), ElementsAre(1, 2));
}

// A step with weight decay, then the average of the new weights, then a reader of the old ones.
TEST(Executable, AWeightIsReadBeforeAndAfterItsFusedUpdate) {
  Graph graph(StandardOps());
  const Value w = graph.AddVariable("w", Floats({2}, {1, 2})).value();
  const Value average = graph.AddVariable("average", Floats({2}, {0, 4})).value();
  const Value g = graph.AddInput("g", {DType::kF32, {Dim(2)}}).value();
  Emitter e(graph);
  const Value half = e.Scalar(0.5, DType::kF32), quarter = e.Scalar(0.25, DType::kF32);
  const Value next = e.Op(  // w - (w / 2 + g) / 4
      "FusedElementwise", {w, half, g, quarter},
      ElementwiseAttributes({{{.op = "Mul", .input = 1}},
                             {{.op = "Add", .input = 2}},
                             {{.op = "Mul", .input = 3}},
                             {{.op = "Sub", .input = 0}, /*operand_first=*/true}}));
  const Value next_average =
      e.Op("FusedElementwise", {average, next, half},
           ElementwiseAttributes({{{.op = "Add", .input = 1}}, {{.op = "Mul", .input = 2}}}));
  const Value y = e.Op("Mul", {w, g});
  ASSERT_TRUE(e.ok()) << e.status();
  ASSERT_TRUE(graph.AddUpdate(w.node, next).ok());
  ASSERT_TRUE(graph.AddUpdate(average.node, next_average).ok());
  ASSERT_TRUE(graph.AddOutput("y", y).ok());
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable, state.get()).value();
  const Tensor gradient = Floats({2}, {1, -1});
  Tensor out;
  ASSERT_TRUE(executable->Run(*context, {&gradient, 1}, {&out, 1}).ok());
  EXPECT_THAT(FloatsOf(out), ElementsAre(1, -2));
  EXPECT_THAT(FloatsOf(state->Get("w").value()), ElementsAre(0.625, 2));
  EXPECT_THAT(FloatsOf(state->Get("average").value()), ElementsAre(0.3125, 3));
  ASSERT_TRUE(executable->Run(*context, {&gradient, 1}, {&out, 1}).ok());
  EXPECT_THAT(FloatsOf(out), ElementsAre(0.625, -2));
  EXPECT_THAT(FloatsOf(state->Get("w").value()), ElementsAre(0.296875, 2));
  EXPECT_THAT(FloatsOf(state->Get("average").value()), ElementsAre(0.3046875, 2.5));
}

TEST(Executable, LeavesVariablesAloneWhenAStepFails) {
  Graph graph(StandardOps());
  Value w = graph.AddVariable("w", Floats({1, 2}, {1, 2})).value();
  Value labels = graph.AddInput("labels", {DType::kI64, {Dim(1)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddUpdate(w.node, e.Op("Add", {w, w})).ok());
  ASSERT_TRUE(graph.AddOutput("loss", e.Op("SoftmaxCrossEntropyLoss", {w, labels})).ok());
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable, state.get()).value();
  Tensor loss;
  const Tensor bad = Tensor::FromInts(std::vector<int64_t>{7}).Reshaped({1}).value();
  EXPECT_FALSE(executable->Run(*context, {&bad, 1}, {&loss, 1}).ok());
  EXPECT_THAT(FloatsOf(state->Get("w").value()), ElementsAre(1, 2));
}

TEST(Executable, LeavesVariablesAloneWhenAStepOfAnUpdateFails) {
  Graph graph(StandardOps());
  Value w = graph.AddVariable("w", Floats({1, 2}, {1, 2})).value();
  Value loss = graph.AddVariable("loss", Tensor::Scalar(9, DType::kF32)).value();
  Value x = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(2)}}).value();
  Value labels = graph.AddInput("labels", {DType::kI64, {Dim(1)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddUpdate(w.node, e.Op("Add", {w, x})).ok());
  ASSERT_TRUE(graph.AddUpdate(loss.node, e.Op("SoftmaxCrossEntropyLoss", {x, labels})).ok());
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable, state.get()).value();
  const std::vector<Tensor> bad = {Floats({1, 2}, {1, 1}),
                                   Tensor::FromInts(std::vector<int64_t>{7})};
  EXPECT_FALSE(executable->Run(*context, bad, {}).ok());
  EXPECT_THAT(FloatsOf(state->Get("w").value()), ElementsAre(1, 2));
}

// Each of two variables is the next value of its elements at the given indices.
TEST(Executable, LeavesVariablesAloneWhenTheSecondOfTwoScattersFails) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value updates = graph.AddInput("updates", {DType::kF32, {Dim(2)}}).value();
  for (const std::string name : {"a", "b"}) {
    const Value variable = graph.AddVariable(name, Floats({3}, {1, 2, 3})).value();
    const Value at = graph.AddInput("at_" + name, {DType::kI64, {Dim(2)}}).value();
    ASSERT_TRUE(
        graph.AddUpdate(variable.node, e.Op("ScatterElements", {variable, at, updates})).ok());
  }
  ASSERT_TRUE(e.ok()) << e.status();
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable, state.get()).value();
  const auto run = [&](std::vector<int64_t> at_a, std::vector<int64_t> at_b) {
    const std::vector<Tensor> inputs = {Floats({2}, {8, 9}), Tensor::FromInts(at_a),
                                        Tensor::FromInts(at_b)};
    return executable->Run(*context, inputs, {});
  };
  EXPECT_FALSE(run({0, 1}, {2, 7}).ok());
  EXPECT_FALSE(run({0, 7}, {1, 2}).ok());
  EXPECT_THAT(FloatsOf(state->Get("a").value()), ElementsAre(1, 2, 3));
  EXPECT_THAT(FloatsOf(state->Get("b").value()), ElementsAre(1, 2, 3));
  EXPECT_TRUE(run({0, 1}, {2, 0}).ok());
  EXPECT_THAT(FloatsOf(state->Get("a").value()), ElementsAre(8, 9, 3));
  EXPECT_THAT(FloatsOf(state->Get("b").value()), ElementsAre(9, 2, 8));
}

// The running statistics are written over before the loss is computed, so labels are checked before
// anything runs.
TEST(Executable, RefusesALabelBeforeStatisticsChange) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(2), Dim(3)}}).value();
  const Value labels = graph.AddInput("labels", {DType::kI64, {Dim(2)}}).value();
  const Value mean = graph.AddVariable("mean", Floats({3}, {1, 2, 3})).value();
  const Value ones = e.Constant(Floats({3}, {1, 1, 1}));
  Node* norm =
      e.OpNode("BatchNormalization", {x, ones, ones, mean, ones}, {{"mode", "training"}}, 3);
  ASSERT_TRUE(e.ok()) << e.status();
  ASSERT_TRUE(graph.AddUpdate(mean.node, norm->output(1)).ok());
  const Value loss = e.Op("SoftmaxCrossEntropyLoss", {norm->output(0), labels});
  ASSERT_TRUE(graph.AddOutput("loss", loss).ok());
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {}).value();
  for (const PlanStep& step : executable->plan().steps) EXPECT_NE(step.op, "Copy");
  auto context = Context::Create(*executable, state.get()).value();
  Tensor result;
  const auto run = [&](int64_t label) {
    const std::vector<Tensor> inputs = {
        Floats({2, 3}, {1, 2, 3, 5, 8, 1}),
        Tensor::FromInts(std::vector<int64_t>{0, label}).Reshaped({2}).value()};
    return executable->Run(*context, inputs, {&result, 1});
  };
  EXPECT_THAT(std::string(run(3).message()),
              HasSubstr("SoftmaxCrossEntropyLoss (SoftmaxCrossEntropyLoss): "));
  EXPECT_THAT(FloatsOf(state->Get("mean").value()), ElementsAre(1, 2, 3));
  EXPECT_TRUE(run(2).ok());
  EXPECT_THAT(FloatsOf(state->Get("mean").value()),
              testing::Pointwise(testing::FloatNear(1e-6F), {1.2F, 2.3F, 2.9F}));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(ExecutableDeathTest, ReportsThatThereIsNoMemoryForASharedOutput) {
  const auto run = [] {
    Graph graph(StandardOps());
    Emitter e(graph);
    const Dims dims = {1 << 22};
    const Value x = graph.AddInput("x", {DType::kF32, {Dim(dims[0])}}).value();
    if (!graph.AddOutput("y", e.Op("Relu", {x})).ok()) std::_Exit(2);
    auto executable = Executable::Create(graph, {}, {.threads = 1}).value();
    auto context = Context::Create(*executable).value();
    const Tensor in = Tensor::Zeros(DType::kF32, dims).value();
    Tensor out = in;  // shares its bytes
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = 1 << 20;  // less than is in use
    ::setrlimit(RLIMIT_AS, &limit);
    const absl::Status status = executable->Run(*context, {&in, 1}, {&out, 1});
    std::_Exit(absl::IsResourceExhausted(status) ? 0 : 1);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "");
}
#endif

TEST(Executable, UpdatesTwoVariablesFromOneValueAndItsView) {
  Graph graph(StandardOps());
  Value w = graph.AddVariable("w", Floats({4}, {1, 2, 3, 4})).value();
  Value v = graph.AddVariable("v", Floats({1, 4}, {0, 0, 0, 0})).value();
  Value x = graph.AddInput("x", {DType::kF32, {Dim(4)}}).value();
  Emitter e(graph);
  Value next = e.Op("Add", {w, x});
  ASSERT_TRUE(graph.AddUpdate(w.node, next).ok());
  const std::vector<int64_t> dims = {1, 4};
  ASSERT_TRUE(graph.AddUpdate(v.node, e.Op("Reshape", {next, e.Ints(dims)})).ok());
  auto state = State::Create(graph).value();
  auto executable = Executable::Create(graph, {});
  ASSERT_TRUE(executable.ok()) << executable.status();
  auto context = Context::Create(**executable, state.get()).value();
  const Tensor one = Floats({4}, {1, 1, 1, 1});
  ASSERT_TRUE((*executable)->Run(*context, {&one, 1}, {}).ok());
  EXPECT_THAT(FloatsOf(state->Get("w").value()), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(FloatsOf(state->Get("v").value()), ElementsAre(2, 3, 4, 5));
}

TEST(Executable, TakesOneTensorAsInputAndOutput) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(2)}}).value();
  Emitter e(graph);
  ASSERT_TRUE(graph.AddOutput("negative", e.Op("Sub", {e.Scalar(0, DType::kF32), x})).ok());
  ASSERT_TRUE(graph.AddOutput("positive", e.Op("Relu", {x})).ok());
  auto executable = Executable::Create(graph, {}).value();
  auto context = Context::Create(*executable).value();
  std::vector<Tensor> tensors = {Floats({2}, {5, 6}), Tensor()};
  ASSERT_TRUE(executable->Run(*context, {tensors.data(), 1}, tensors).ok());
  EXPECT_THAT(FloatsOf(tensors[0]), ElementsAre(-5, -6));
  EXPECT_THAT(FloatsOf(tensors[1]), ElementsAre(5, 6));
}

TEST(Context, AllocatesExactlyThePlansPeak) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {8, 16}}).value();
  const Value weights = e.Constant(Tensor::Zeros(DType::kF32, {16, 4}).value());
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Gemm", {e.Op("Sigmoid", {x}), weights})).ok());
  const auto executable = Executable::Create(graph, {}, {.threads = 1}).value();
  const auto arena = std::make_shared<Arena>();
  ASSERT_TRUE(Context::Create(*executable, nullptr, arena).ok());
  EXPECT_GE(arena->bytes(), size_t{8 * 16 * 4});
  EXPECT_EQ(arena->bytes(), executable->plan().arena_bytes);
}

TEST(Context, NamesAVariableThatTheStateLacks) {
  Fixture f;
  EXPECT_EQ(Context::Create(*f.executable).status().message(),
            "variable w: expected a state, got none");
  Graph other(StandardOps());
  auto state = State::Create(other).value();
  EXPECT_EQ(Context::Create(*f.executable, state.get()).status().message(),
            "the state has no variable called 'w'");
}

TEST(State, RefusesAValueOfAnotherType) {
  Fixture f;
  EXPECT_EQ(f.state->Set("w", Floats({2}, {1, 2})).message(),
            "variable w: expected f32[4], got f32[2]");
  EXPECT_THAT(FloatsOf(f.state->Get("w").value()), ElementsAre(1, 2, 3, 4));
}

TEST(State, StoresItsValuesIntoAGraph) {
  Fixture f;
  ASSERT_TRUE(f.state->Set("w", Floats({4}, {4, 3, 2, 1})).ok());
  ASSERT_TRUE(f.state->StoreTo(f.graph).ok());
  EXPECT_THAT(FloatsOf(LeafValue(*f.graph.Find("w"))), ElementsAre(4, 3, 2, 1));
}

TEST(RuntimeEvaluator, AgreesWithTheReferenceOnANode) {
  Fixture f;
  const Node* mul = f.graph.Find("Mul");
  ASSERT_NE(mul, nullptr);
  const std::vector<Tensor> inputs = {Floats({4}, {1, 2, 3, 4}), Floats({4}, {2, 2, 2, 2})};
  auto fast = RuntimeEvaluator().RunNode(*mul, inputs).value();
  auto slow = ReferenceEvaluator().RunNode(*mul, inputs).value();
  EXPECT_TRUE(fast[0] == slow[0]);
  EXPECT_THAT(FloatsOf(fast[0]), ElementsAre(2, 4, 6, 8));
}

}  // namespace
}  // namespace weft
