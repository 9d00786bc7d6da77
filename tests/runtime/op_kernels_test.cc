#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "graph/bind.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/executable.h"
#include "runtime/exec/parallel.h"
#include "tests/cases/cases.h"
#include "tests/runtime/close.h"

// Every op case in f32, on the kernels that the planner chooses, against the reference.

namespace weft {
namespace {

const RandomKey kKey{.seed = 17, .step = 3, .first_example = 40};

// Ops, and single cases of others, that run on their reference kernel.
const std::map<std::string, std::string>& WithoutFastKernel() {
  static const auto& list = *new std::map<std::string, std::string>{
      {"Det", "determinants are rare"},
      {"FusedMatMul_nothing_to_sum", "sums of nothing are rare"},
      {"NonMaxSuppression", "chooses one box after the other"},
      {"NonZero", "fills in one column after the other"},
      {"Pow_integer_base", "integers to the power of fractions are rare"},
      {"Shape", "reads a shape only"},
      {"Size", "reads a shape only"},
      {"Unique", "sorts whole slices"},
  };
  return list;
}

bool IsListed(const OpCase& c) {
  return WithoutFastKernel().contains(c.op) || WithoutFastKernel().contains(c.TestName());
}

bool IsView(const OpCase& c) {
  static const std::set<std::string> views = {"Flatten",     "Identity", "Reshape",
                                              "ReshapeLike", "Squeeze",  "Unsqueeze"};
  return views.contains(c.op);
}

bool TouchesF32(const Node& node) {
  for (const Value& v : node.inputs()) {
    if (v && v.type().dtype == DType::kF32) return true;
  }
  return node.type().dtype == DType::kF32;
}

const PlanStep* StepOfNode(const Plan& plan) {
  for (const PlanStep& step : plan.steps) {
    if (step.name == "node") return &step;
  }
  return nullptr;
}

struct RunResult {
  TensorMap outputs;
  Plan plan;
};

absl::StatusOr<RunResult> RunWith(const Graph& graph, const TensorMap& feeds, int threads) {
  const LowerOptions options{.threads = threads};
  WEFT_ASSIGN_OR_RETURN(const SymbolBindings symbols, BindingsFromFeeds(graph, feeds));
  WEFT_ASSIGN_OR_RETURN(auto executable, Executable::Create(graph, symbols, options));
  RunResult result;
  result.plan = executable->plan();
  WEFT_ASSIGN_OR_RETURN(result.outputs, RuntimeEvaluator(options, kKey).RunGraph(graph, feeds));
  return result;
}

// The cases are small: they are split among threads nevertheless.
class OpKernels : public testing::TestWithParam<OpCase> {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

// And the bits of our own kernels do not depend on the number of threads; those of the library's
// products may.
TEST_P(OpKernels, GiveTheResultsOfTheReferenceAtAnyThreadCount) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const TensorMap feeds = MakeFeeds(c, DType::kF32);
  const absl::StatusOr<TensorMap> expected = ReferenceEvaluator(kKey).RunGraph(*graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  TensorMap with_one_thread;
  for (int threads : {1, 2, 3}) {
    SCOPED_TRACE(absl::StrCat(threads, " threads"));
    const absl::StatusOr<RunResult> result = RunWith(*graph, feeds, threads);
    ASSERT_TRUE(result.ok()) << result.status();
    for (const auto& [name, tensor] : *expected) {
      ExpectClose(result->outputs.at(name), tensor, name);
    }
    if (threads == 1) with_one_thread = result->outputs;
    const PlanStep* step = StepOfNode(result->plan);
    if (step == nullptr || step->kernel->name() != "weft") continue;
    for (const auto& [name, tensor] : result->outputs) {
      EXPECT_TRUE(tensor == with_one_thread.at(name)) << name;
    }
  }
}

TEST_P(OpKernels, AreFastUnlessListed) {
  const OpCase& c = GetParam();
  absl::StatusOr<Graph> graph = BuildCase(c, DType::kF32);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto plan = Lower(*graph, {.threads = 2});
  ASSERT_TRUE(plan.ok()) << plan.status();
  const PlanStep* step = StepOfNode(*plan);
  ASSERT_EQ(step == nullptr, IsView(c));
  if (step == nullptr) return;
  if (TouchesF32(*graph->Find("node"))) {
    EXPECT_EQ(step->kernel->name() == "reference", IsListed(c)) << step->kernel->name();
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, OpKernels, testing::ValuesIn(RunnableCases()), CaseName);

TEST(OpKernelList, NamesOnlyOpsAndCasesThatExist) {
  std::set<std::string> names;
  for (const OpCase& c : OpCases()) {
    names.insert(c.op);
    names.insert(c.TestName());
  }
  for (const auto& [name, reason] : WithoutFastKernel()) EXPECT_TRUE(names.contains(name)) << name;
}

Graph NewGraph() { return Graph(StandardOps()); }

Value Input(Graph& graph, const std::string& name, Dims dims) {
  return *graph.AddInput(name, {DType::kF32, ToShape(dims)});
}

Value Random(Graph& graph, const std::string& name, Dims dims, uint64_t seed) {
  return *graph.AddConstant(name, RandomTensor(dims, DType::kF32, seed));
}

Value Op(Graph& graph, NodeSpec spec) {
  absl::StatusOr<Node*> node = graph.AddNode(std::move(spec));
  EXPECT_TRUE(node.ok()) << node.status();
  return (*node)->output();
}

std::vector<std::string> OpsOf(const Plan& plan) {
  std::vector<std::string> ops;
  for (const PlanStep& step : plan.steps) ops.push_back(step.op);
  return ops;
}

TEST(KernelLayouts, AChainOf17ChannelConvolutionsIsReorderedAtItsEndsOnly) {
  Graph graph = NewGraph();
  Value h = Input(graph, "x", {2, 17, 8, 8});
  for (int i = 0; i < 6; ++i) {
    const std::string n = std::to_string(i);
    const Value w = Random(graph, "w" + n, {17, 17, 3, 3}, static_cast<uint64_t>(i));
    h = Op(graph, {.op = "Conv",
                   .name = "conv" + n,
                   .inputs = {h, w},
                   .attributes = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}});
    h = Op(graph, {.op = "Relu", .name = "relu" + n, .inputs = {h}});
  }
  ASSERT_TRUE(graph.AddOutput("y", h).ok());
  const auto plan = Lower(graph, {.threads = 2});
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::string> expected = {"Reorder"};
  for (int i = 0; i < 6; ++i) expected.insert(expected.end(), {"Conv", "Relu"});
  expected.push_back("Reorder");
  EXPECT_EQ(OpsOf(*plan), expected);
}

// x -> conv -> maxpool, and the gradient of the pooling in its input.
TEST(KernelLayouts, MaxPoolGradReadsTheForwardWorkspaceAndNotItsInput) {
  Graph graph = NewGraph();
  const Value x = Input(graph, "x", {2, 3, 8, 8});
  const Value dy = Input(graph, "dy", {2, 3, 4, 4});
  const AttributeMap window = {{"kernel_shape", std::vector<int64_t>{2, 2}},
                               {"strides", std::vector<int64_t>{2, 2}}};
  const Value y = Op(graph, {.op = "MaxPool", .name = "pool", .inputs = {x}, .attributes = window});
  const Value dx = Op(graph, {.op = "MaxPoolGrad",
                              .name = "grad",
                              .inputs = {dy, x},
                              .attributes = window,
                              .forward = y.node});
  ASSERT_TRUE(graph.AddOutput("y", y).ok());
  ASSERT_TRUE(graph.AddOutput("dx", dx).ok());
  const TensorMap feeds = {{"x", RandomTensor({2, 3, 8, 8}, DType::kF32, 1)},
                           {"dy", RandomTensor({2, 3, 4, 4}, DType::kF32, 2)}};
  const auto result = RunWith(graph, feeds, 2);
  ASSERT_TRUE(result.ok()) << result.status();
  const PlanStep* pool = nullptr;
  const PlanStep* grad = nullptr;
  for (const PlanStep& step : result->plan.steps) {
    if (step.name == "pool") pool = &step;
    if (step.name == "grad") grad = &step;
  }
  ASSERT_TRUE(pool != nullptr && grad != nullptr);
  EXPECT_GE(pool->workspace, 0);
  EXPECT_EQ(grad->workspace, pool->workspace);
  EXPECT_EQ(grad->inputs[1], -1);
  const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ExpectClose(result->outputs.at("dx"), expected->at("dx"), "dx");
}

// The layouts of a grouped convolution's weights split an axis; the gradient goes back to plain.
TEST(KernelLayouts, GroupedWeightGradientsComeBackRowMajor) {
  Graph graph = NewGraph();
  const Value x = Input(graph, "x", {2, 32, 6, 6}), w = Input(graph, "w", {64, 16, 3, 3});
  const Value dy = Input(graph, "dy", {2, 64, 4, 4});
  const Value dw = Op(
      graph,
      {.op = "ConvGradWeight", .name = "dw", .inputs = {dy, x, w}, .attributes = {{"group", 2}}});
  const Value scaled = Op(graph, {.op = "Mul", .name = "scaled", .inputs = {dw, dw}});
  ASSERT_TRUE(graph.AddOutput("y", scaled).ok());
  const TensorMap feeds = {{"x", RandomTensor({2, 32, 6, 6}, DType::kF32, 1)},
                           {"w", RandomTensor({64, 16, 3, 3}, DType::kF32, 2)},
                           {"dy", RandomTensor({2, 64, 4, 4}, DType::kF32, 3)}};
  const auto result = RunWith(graph, feeds, 2);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  ExpectClose(result->outputs.at("y"), expected->at("y"), "y");
}

TEST(Kernels, DropoutHasTheBitsOfTheReferenceAtAnyThreadCount) {
  Graph graph = NewGraph();
  const Value x = Input(graph, "x", {33, 257});
  absl::StatusOr<Node*> node =
      graph.AddNode({.op = "Dropout",
                     .name = "drop",
                     .inputs = {x},
                     .attributes = {{"mode", "training"}, {"ratio", 0.3}, {"stream", 5}},
                     .num_outputs = 2});
  ASSERT_TRUE(node.ok()) << node.status();
  ASSERT_TRUE(graph.AddOutput("y", (*node)->output()).ok());
  ASSERT_TRUE(graph.AddOutput("mask", (*node)->output(1)).ok());
  const TensorMap feeds = {{"x", RandomTensor({33, 257}, DType::kF32, 1)}};
  const auto expected = ReferenceEvaluator(kKey).RunGraph(graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  for (int threads : {1, 2, 3}) {
    const auto result = RunWith(graph, feeds, threads);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->outputs.at("y") == expected->at("y")) << threads << " threads";
    EXPECT_TRUE(result->outputs.at("mask") == expected->at("mask")) << threads << " threads";
  }
}

TEST(Kernels, ReluKeepsNaNSoThatADivergedTrainingShows) {
  Graph graph = NewGraph();
  const Value x = Input(graph, "x", {5});
  ASSERT_TRUE(graph.AddOutput("y", Op(graph, {.op = "Relu", .name = "relu", .inputs = {x}})).ok());
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {nan, -inf, inf, -2, 3};
  const TensorMap feeds = {{"x", *Tensor::FromValues<float>({5}, values)}};
  const auto result = RunWith(graph, feeds, 2);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto y = result->outputs.at("y").values<float>();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_THAT(std::vector<float>(y.begin() + 1, y.end()), testing::ElementsAre(0, inf, 0, 3));
}

// Results written over the second operand.
TEST(Kernels, BinaryOpsRunInThePlaceOfEitherOperand) {
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    for (const int over : {0, 1}) {
      Graph graph = NewGraph();
      const Value x = Input(graph, "x", {64, 100});
      const Value t = Op(graph, {.op = "Tanh", .name = "t", .inputs = {x}});
      const std::vector<Value> operands =
          over == 0 ? std::vector<Value>{t, x} : std::vector<Value>{x, t};
      const Value z = Op(graph, {.op = op, .name = "z", .inputs = operands});
      const Value y = Op(graph, {.op = "Tanh", .name = "y", .inputs = {z}});
      ASSERT_TRUE(graph.AddOutput("y", y).ok());
      const TensorMap feeds = {{"x", RandomTensor({64, 100}, DType::kF32, 1, 0.5, 2)}};
      const auto result = RunWith(graph, feeds, 2);
      const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
      ASSERT_TRUE(result.ok() && expected.ok()) << result.status() << expected.status();
      ExpectClose(result->outputs.at("y"), expected->at("y"), op);
      const PlanStep& step = result->plan.steps[1];
      EXPECT_EQ(step.kernel->name(), "weft") << op;
      EXPECT_EQ(result->plan.values[static_cast<size_t>(step.outputs[0])].alias_of,
                step.inputs[static_cast<size_t>(over)])
          << op;
    }
  }
}

// Sums of many elements, over the outermost axis or not, keep their bits.
TEST(Kernels, SumsDoNotDependOnTheThreadCount) {
  for (const auto& axes : std::vector<std::vector<int64_t>>{{0}, {1}, {0, 1}, {0, 2}, {1, 2}}) {
    Graph graph = NewGraph();
    const Dims dims = {61, 70, 67};
    const Value x = Input(graph, "x", dims);
    ASSERT_TRUE(graph
                    .AddOutput("y", Op(graph, {.op = "ReduceSum",
                                               .name = "sum",
                                               .inputs = {x},
                                               .attributes = {{"axes", axes}}}))
                    .ok());
    const TensorMap feeds = {{"x", RandomTensor(dims, DType::kF32, 1, 0, 1)}};
    const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
    const auto one = RunWith(graph, feeds, 1), three = RunWith(graph, feeds, 3);
    ASSERT_TRUE(expected.ok() && one.ok() && three.ok());
    ExpectClose(one->outputs.at("y"), expected->at("y"), "y");
    EXPECT_TRUE(one->outputs.at("y") == three->outputs.at("y")) << ToString(axes);
  }
}

TEST(Kernels, ABadLabelIsTheReferencesError) {
  Graph graph = NewGraph();
  const Value scores = Input(graph, "scores", {3, 4});
  const Value labels = *graph.AddInput("labels", {DType::kI64, {3}});
  ASSERT_TRUE(graph
                  .AddOutput("loss", Op(graph, {.op = "SoftmaxCrossEntropyLoss",
                                                .name = "loss",
                                                .inputs = {scores, labels}}))
                  .ok());
  const TensorMap feeds = {{"scores", RandomTensor({3, 4}, DType::kF32, 1)},
                           {"labels", Tensor::FromInts(std::vector<int64_t>{0, 7, 1})}};
  const auto result = RunWith(graph, feeds, 2);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()),
              testing::HasSubstr("expected labels in [0,4), got 7 at position [1]"));
}

TEST(Kernels, ConvolutionOffersSeveralImplementationsAndLayouts) {
  Graph graph = NewGraph();
  const Value x = Input(graph, "x", {2, 32, 8, 8}), w = Input(graph, "w", {32, 32, 3, 3});
  const Value y = Op(graph, {.op = "Conv", .name = "conv", .inputs = {x, w}});
  KernelRequest request{.node = *y.node,
                        .inputs = {Layout::Plain(DType::kF32, {2, 32, 8, 8}),
                                   Layout::Plain(DType::kF32, {32, 32, 3, 3})},
                        .outputs = {{2, 32, 6, 6}},
                        .constant = {false, false}};
  std::set<std::string> implementations, layouts;
  for (KernelFamily family : FamiliesFor("Conv")) {
    const absl::StatusOr<Kernels> kernels = family(request);
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    for (const auto& kernel : *kernels) {
      implementations.insert(kernel->implementation());
      layouts.insert(kernel->outputs()[0].name());
    }
  }
  EXPECT_GE(implementations.size(), 2u);
  EXPECT_THAT(layouts, testing::IsSupersetOf({"plain", "acdb"}));
}

}  // namespace
}  // namespace weft
