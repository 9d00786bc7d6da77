#include "runtime/host/post_steps.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/post_ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/plan/plan.h"
#include "tests/cases/cases.h"
#include "tests/runtime/close.h"

// How exact post-ops are. Which results they give on every layout is the kernels' test.

namespace weft {
namespace {

struct Samples {
  std::vector<float> x;
  std::vector<double> exact;  // the same numbers
};

// [-100, 100], evenly and, with the cube of the place, densely around 0.
Samples DenseSamples() {
  constexpr int kHalf = 1 << 17;
  Samples s;
  for (int i = -kHalf; i <= kHalf; ++i) {
    const double place = static_cast<double>(i) / kHalf;
    s.x.push_back(static_cast<float>(100 * (i % 2 == 0 ? place : place * place * place)));
    s.exact.push_back(static_cast<double>(s.x.back()));
  }
  return s;
}

std::vector<double> Reference(const OpDef& op, const AttributeMap& attributes,
                              std::vector<double> x) {
  const Dims dims = {static_cast<int64_t>(x.size())};
  const std::vector<TensorView> view = {
      {.dtype = DType::kF64, .dims = dims, .data = x.data(), .present = true}};
  EXPECT_TRUE(
      op.evaluate({.attributes = attributes, .inputs = view, .outputs = view, .key = {}}).ok());
  return x;
}

// Within 1e-6 of each element; or within 2 units in the last place of x, which is the largest term
// where a small result is what two terms leave (x times a probability near 0, alpha x + beta); or
// within the smallest normal float, below which results are flushed to 0.
void ExpectExact(const std::string& name, AttributeMap attributes) {
  const OpDef& op = *FindPostOp(name);
  ASSERT_TRUE(CheckAttributes(op, attributes).ok());
  const auto call = FindEltwiseCall(op, attributes);
  ASSERT_TRUE(call.has_value()) << name;
  const Samples samples = DenseSamples();
  const std::vector<double> expected = Reference(op, attributes, samples.exact);
  std::vector<float> y(samples.x.size());
  call->Forward(static_cast<int64_t>(y.size()), samples.x.data(), y.data());
  for (size_t i = 0; i < y.size(); ++i) {
    const double tolerance =
        1e-6 * std::abs(expected[i]) + std::ldexp(std::abs(samples.exact[i]), -22) + 1.2e-38;
    ASSERT_NEAR(y[i], expected[i], tolerance) << name << " of " << samples.x[i];
  }
}

TEST(PostSteps, ActivationsAreExact) {
  for (const std::string& name : PostOpNames()) {
    if (!TakesOperand(*FindPostOp(name))) ExpectExact(name, {});
  }
  ExpectExact("Gelu", {{"approximate", "tanh"}});
  ExpectExact("Clip", {{"min", -0.3}, {"max", 6.0}});
  ExpectExact("Celu", {{"alpha", 0.3}});
  ExpectExact("Elu", {{"alpha", 0.3}});
  ExpectExact("HardSigmoid", {{"alpha", 1.0 / 6}});
}

// Where it was once -1.9e-6.
TEST(PostSteps, SoftplusOfLargeNegativeNumbersIsTheirExponential) {
  const std::vector<float> x = {-18, -25, -80};
  std::vector<float> y(3);
  FindEltwiseCall(*FindPostOp("Softplus"), {})->Forward(3, x.data(), y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    EXPECT_NEAR(y[i], exact, 1e-6 * exact) << x[i];
  }
}

// y = tanh(product(z, w) + |z|), of a z of w's rows or channels; `later`: somebody reads |z|
// afterwards.
struct Residual {
  Residual(const std::string& op, Dims dims, const Tensor& w, AttributeMap attributes, bool later)
      : graph(StandardOps()), feeds({{"x", RandomTensor(dims, DType::kF32, 3, -1, 1)}}) {
    Emitter e(graph);
    const Value z = e.Op("Relu", {*graph.AddInput("x", {DType::kF32, ToShape(dims)})});
    std::vector<Value> inputs = {z, e.Constant(w)};
    if (op != "FusedMatMul") inputs.emplace_back();
    inputs.push_back(e.Op("Abs", {z}));
    const int addend = static_cast<int>(inputs.size()) - 1;
    const PostOp add{.op = "Add", .input = addend}, tanh{.op = "Tanh"};
    attributes.emplace("post_ops", std::vector{add, tanh});
    const Value y = e.Op(op, std::move(inputs), std::move(attributes));
    const Value last = later ? e.Op("Mul", {y, y.node->input(addend)}) : e.Op("Neg", {y});
    EXPECT_TRUE(e.ok() && graph.AddOutput("y", last).ok()) << e.status();
  }
  Graph graph;
  TensorMap feeds;
};

void ExpectAddendsMemory(const std::string& op, const Dims& dims, const Dims& w,
                         const AttributeMap& attributes = {}) {
  for (const bool later : {false, true}) {
    SCOPED_TRACE(absl::StrCat(op, later ? " whose addend is read again" : ""));
    const Residual net(op, dims, RandomTensor(w, DType::kF32, 1), attributes, later);
    const Plan plan = Lower(net.graph, {.threads = 2}).value();
    const auto step = std::ranges::find(plan.steps, op, &PlanStep::op);
    ASSERT_NE(step, plan.steps.end());
    EXPECT_NE(step->kernel->name(), "reference");
    const int alias = plan.values[static_cast<size_t>(step->outputs[0])].alias_of;
    EXPECT_EQ(alias >= 0, !later) << plan.ToString();
    const auto expected = ReferenceEvaluator().RunGraph(net.graph, net.feeds);
    const auto result = RuntimeEvaluator({.threads = 2}).RunGraph(net.graph, net.feeds);
    ASSERT_TRUE(expected.ok() && result.ok()) << expected.status() << result.status();
    ExpectClose(result->at("y"), expected->at("y"), op);
  }
}

TEST(PostSteps, TheResultTakesTheMemoryOfAnAddendThatDies) {
  ExpectAddendsMemory("FusedConv", {2, 16, 9, 9}, {16, 16, 3, 3},
                      {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  ExpectAddendsMemory("FusedGemm", {40, 50}, {50, 50}, {{"transB", 1}});
  ExpectAddendsMemory("FusedGemm", {40, 50}, {50, 50});
  ExpectAddendsMemory("FusedMatMul", {3, 40, 50}, {50, 50});
  ExpectAddendsMemory("FusedMatMul", {3, 50, 50}, {3, 50, 50});
}

}  // namespace
}  // namespace weft
