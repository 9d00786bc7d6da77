#include "autodiff/gradient_check.h"

#include <cmath>

#include "gmock/gmock.h"
#include "tests/autodiff/testing_graph.h"

namespace weft {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

absl::StatusOr<GradientCheckResult> Check(const TestGraph& t, std::vector<Value> ys,
                                          std::vector<Value> xs,
                                          const GradientCheckOptions& options = {}) {
  ReferenceEvaluator evaluator;
  return CheckGradients(t.graph, ys, xs, t.feeds, evaluator, options);
}

// Tanh with a gradient that is too large by the factor 1 + kMistake at elements above zero.
constexpr double kMistake = 1e-5;
OpDef WrongTanh() {
  OpDef op = *StandardOps().Find("Tanh");
  op.gradient = [](GradientContext& c) -> InputGradients {
    const Value right = c.Op("TanhGrad", {c.dy(), c.y()});
    const Value half = c.Op("Mul", {right, c.Scalar(kMistake, DType::kF64)});
    return {c.Op("Add", {right, c.Op("ReluGrad", {half, c.y()})})};
  };
  return op;
}

TEST(CheckGradients, FindsCorrectGradientsCorrectFarBelowTheTolerance) {
  TestGraph t;
  const Value x = t.Input("x", {3}, {0.5, -1.5, 2});
  const Value w = *t.graph.AddVariable("w", t.feeds["x"]);
  const Value y = t.Op("Tanh", {t.Op("Mul", {x, w})});
  absl::StatusOr<GradientCheckResult> result = Check(t, {y}, {x, w});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LT(result->error, 1e-8) << result->where;
  EXPECT_EQ(result->comparisons, 2 * (3 + 2)) << "each element and two directions, of x and w";
}

TEST(CheckGradients, MeasuresAMistakeOfAHundredThousandth) {
  TestGraph t({WrongTanh()});
  const Value x = t.Input("x", {4}, {-0.5, -1, 0.25, -0.75});
  absl::StatusOr<GradientCheckResult> result = Check(t, {t.Op("Tanh", {x})}, {x});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->error, 0.1 * kMistake);
  EXPECT_LT(result->error, 1.1 * kMistake);
  EXPECT_THAT(result->where, StartsWith("x"));
}

TEST(CheckGradients, SaysWhereTheLargestErrorIs) {
  TestGraph t({WrongTanh()});
  const Value x = t.Input("x", {2, 2}, {-0.5, -1, 0.25, -0.75});
  absl::StatusOr<GradientCheckResult> result =
      Check(t, {t.Op("Tanh", {x})}, {x}, {.directions = 0});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->where, StartsWith("x[1,0]: by rule "));
}

TEST(CheckGradients, FindsAMistakeInOneElementOfManyByDirections) {
  TestGraph t({WrongTanh()});
  std::vector<double> values(500, -0.5);
  values[137] = 0.5;
  const Value x = t.Input("x", {500}, values);
  absl::StatusOr<GradientCheckResult> result =
      Check(t, {t.Op("Tanh", {x})}, {x}, {.max_elements = 1});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->comparisons, 3);
  EXPECT_GT(result->error, 1e-8);
}

TEST(CheckGradients, ReportsAGradientThatIsNotANumber) {
  OpDef op = *StandardOps().Find("Tanh");
  op.gradient = [](GradientContext& c) -> InputGradients {
    return {c.Op("Mul", {c.dy(), c.Scalar(std::nan(""), DType::kF64)})};
  };
  TestGraph t({op});
  const Value x = t.Input("x", {2}, {1, 2});
  absl::StatusOr<GradientCheckResult> result = Check(t, {t.Op("Tanh", {x})}, {x});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(std::isnan(result->error));
  EXPECT_THAT(result->where, StartsWith("x[0]"));
}

TEST(CheckGradients, BindsASymbolicBatchFromTheFeeds) {
  TestGraph t;
  const Value x = *t.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 2}});
  t.feeds["x"] = *Tensor::FromValues<double>({2, 2}, std::vector<double>{1, -2, 3, 0.5});
  const Value y = t.Op("ReduceMean", {t.Op("Sigmoid", {x})});
  absl::StatusOr<GradientCheckResult> result = Check(t, {y}, {x});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LT(result->error, 1e-8) << result->where;
  EXPECT_EQ(result->comparisons, 6);
}

TEST(CheckGradients, ComparesNothingInEmptyTensors) {
  TestGraph t;
  const Value x = t.Input("x", {0, 3}, {});
  absl::StatusOr<GradientCheckResult> result = Check(t, {t.Op("Neg", {x})}, {x});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->comparisons, 0);
  EXPECT_EQ(result->error, 0);
}

TEST(CheckGradients, LeavesTheGraphAsItWas) {
  TestGraph t;
  const Value x = t.Input("x", {2}, {1, 2});
  const Value w = *t.graph.AddVariable("w", t.feeds["x"]);
  const Value y = t.Op("Mul", {x, w});
  const int size = t.graph.size();
  ASSERT_TRUE(Check(t, {y}, {x, w}).ok());
  EXPECT_EQ(t.graph.size(), size);
  EXPECT_EQ(LeafValue(*w.node), t.feeds["x"]);
}

TEST(CheckGradients, RefusesWhatItCannotVary) {
  TestGraph t;
  const Value x = t.Input("x", {2}, {1, 2});
  const Value y = t.Op("Neg", {x});
  const Value single = *t.graph.AddVariable("single", Tensor::Scalar(1, DType::kF32));
  const auto error = [&](std::vector<Value> xs) {
    return std::string(Check(t, {y}, std::move(xs)).status().message());
  };
  EXPECT_THAT(error({y}), HasSubstr("Neg (Neg) is not an input or variable"));
  EXPECT_THAT(error({single}), HasSubstr("single is f32[], not f64"));
  EXPECT_THAT(error({Value()}), HasSubstr("a null x"));
  t.feeds.clear();
  EXPECT_THAT(error({x}), HasSubstr("no feed for input x"));
}

}  // namespace
}  // namespace weft
