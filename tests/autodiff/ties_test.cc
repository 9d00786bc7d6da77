// Gradients where the function has a kink, as the ops' documentation says.

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "autodiff/gradients.h"
#include "tests/autodiff/testing_graph.h"

namespace weft {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

// The gradient of the sum of y's elements in x.
std::vector<double> GradientOfSum(TestGraph& g, Value y, Value x) {
  const std::vector<Value> ys = {y}, xs = {x};
  const Value ones = g.Op("ExpandLike", {g.emitter.Scalar(1, DType::kF64), y});
  const auto gradients = Gradients(g.graph, ys, xs, std::vector<Value>{ones});
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  return gradients.ok() ? g.Run((*gradients)[0]) : std::vector<double>();
}

TEST(TiesTest, OperandsThatHoldTheMaximumShareItsGradient) {
  TestGraph g;
  const Value a = g.Input("a", {3}, {1, 5, 2}), b = g.Input("b", {3}, {1, 4, 2});
  const Value c = g.Input("c", {}, {2});
  EXPECT_THAT(GradientOfSum(g, g.Op("Max", {a, b, c}), a),
              ElementsAre(0, 1, DoubleNear(1.0 / 3, 1e-15)));
  EXPECT_THAT(GradientOfSum(g, g.Op("Max", {a, b, c}), c),
              ElementsAre(DoubleNear(1 + 1.0 / 3, 1e-15)));
  EXPECT_THAT(GradientOfSum(g, g.Op("Min", {a, b}), b), ElementsAre(0.5, 1, 0.5));
}

TEST(TiesTest, PowersOfZeroDoNotChangeWithTheExponent) {
  TestGraph g;
  const Value x = g.Input("x", {4}, {0, 0, 0, 1}), p = g.Input("p", {4}, {2, 0, -1, 3});
  EXPECT_THAT(GradientOfSum(g, g.Op("Pow", {x, p}), p), ElementsAre(0, 0, 0, 0));
}

TEST(TiesTest, ElementsThatHoldTheExtremeShareItsGradient) {
  TestGraph g;
  const Value x = g.Input("x", {2, 3}, {4, 4, 1, 2, 2, 2});
  for (int keep : {0, 1}) {
    const AttributeMap rows = {{"axes", std::vector<int64_t>{1}}, {"keepdims", keep}};
    EXPECT_THAT(GradientOfSum(g, g.Op("ReduceMax", {x}, rows), x),
                ElementsAre(0.5, 0.5, 0, DoubleNear(1.0 / 3, 1e-15), DoubleNear(1.0 / 3, 1e-15),
                            DoubleNear(1.0 / 3, 1e-15)));
  }
}

TEST(TiesTest, TheLengthOfZeroHasTheGradientZero) {
  TestGraph g;
  const Value x = g.Input("x", {2, 2}, {0, 0, 3, 4});
  const AttributeMap rows = {{"axes", std::vector<int64_t>{1}}};
  EXPECT_THAT(GradientOfSum(g, g.Op("ReduceL2", {x}, rows), x),
              ElementsAre(0, 0, DoubleNear(0.6, 1e-15), DoubleNear(0.8, 1e-15)));
}

TEST(TiesTest, PowersOfZero) {
  TestGraph g;
  const Value x = g.Input("x", {4}, {0, 0, 0, 2}), p = g.Input("p", {4}, {0, 1, 2, 3});
  const Value y = g.Op("Pow", {x, p});
  EXPECT_THAT(GradientOfSum(g, y, x), ElementsAre(0, 1, 0, 12));
  EXPECT_THAT(GradientOfSum(g, y, p), ElementsAre(0, 0, 0, DoubleNear(8 * std::log(2), 1e-14)));
}

TEST(TiesTest, TopKSendsTheGradientBackToWhereTheValuesCameFrom) {
  TestGraph g;
  const Value x = g.Input("x", {2, 3}, {1, 7, 7, 5, 2, 9});
  const Value y = g.Op("TopK", {x, g.emitter.Ints({2})});
  const Value weights = g.Input("w", {2}, {10, 1});
  EXPECT_THAT(GradientOfSum(g, g.Op("Mul", {y, weights}), x), ElementsAre(0, 10, 1, 1, 0, 10));
}

TEST(TiesTest, MaskedInfinitiesDoNotReachTheGradient) {
  TestGraph g;
  const Value x = g.Input("x", {2}, {0, 4});
  const Value positive = g.Op("Greater", {x, g.emitter.Scalar(0, DType::kF64)});
  const Value y = g.Op("Where", {positive, x, g.emitter.Scalar(7, DType::kF64)});
  EXPECT_THAT(GradientOfSum(g, y, x), ElementsAre(0, 1));
}

// So that the operand needs no memory of its own until then.
TEST(TiesTest, TheGradientOfALeakyReluReadsItsResultWhereThatHasTheSameSlope) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double alpha : {0.1, 2.0, 1e-7, 0.0, -0.5}) {
    TestGraph g;
    const Value x = g.Input("x", {7}, {-2, -1e-300, -0.0, 0, 3, -kInfinity, kInfinity});
    const Value y = g.Op("LeakyRelu", {x}, {{"alpha", alpha}});
    EXPECT_THAT(GradientOfSum(g, y, x), ElementsAre(alpha, alpha, 1, 1, 1, alpha, 1));
    const std::vector<Use> uses(y.node->uses().begin(), y.node->uses().end());
    const bool reads_result = std::any_of(uses.begin(), uses.end(), [](const Use& use) {
      return use.user->op_name() == "LeakyReluGrad";
    });
    EXPECT_EQ(reads_result, alpha > 1e-6) << alpha;
  }
}

// Where the result is 0 for it is no f32.
TEST(TiesTest, TheSlopeOfASmallAlphaIsThatOfTheOperand) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", {DType::kF32, {Dim(2)}}).value();
  Emitter e(graph);
  const Value y = e.Op("LeakyRelu", {x}, {{"alpha", 1e-30}});
  const Value one = e.Constant(Tensor::FromValues<float>({2}, std::array{1.0f, 1.0f}).value());
  const auto dx = Gradients(graph, std::span(&y, 1), std::span(&x, 1), std::span(&one, 1));
  ASSERT_TRUE(dx.ok()) << dx.status();
  const auto values = ReferenceEvaluator().RunValues(
      graph, {{"x", Tensor::FromValues<float>({2}, std::array{-1e-20f, 1.0f}).value()}}, *dx);
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT((*values)[0].values<float>(), ElementsAre(1e-30f, 1));
}

TEST(TiesTest, TheGradientOfAThresholdReadsTheResultWhereTheThresholdIsNotBelowZero) {
  for (const double alpha : {1.0, 0.0, -1.0}) {
    TestGraph g;
    const Value x = g.Input("x", {5}, {-2, -0.5, 0, 1, 2});
    const Value y = g.Op("ThresholdedRelu", {x}, {{"alpha", alpha}});
    const double half = -0.5 > alpha, zero = 0 > alpha, one = 1 > alpha;
    EXPECT_THAT(GradientOfSum(g, y, x), ElementsAre(0, half, zero, one, 1));
  }
}

}  // namespace
}  // namespace weft
