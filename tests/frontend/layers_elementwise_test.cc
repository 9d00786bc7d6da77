#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/build/builder.h"
#include "ops/reference.h"

// Layers of several operands: arithmetic, comparison, logic, reductions, scans, order.

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The values of the output "y" of what `build` makes of the input x = 1, -2, 3 / 4, 0, -1.
template <typename F>
std::vector<double> ValuesOf(F build) {
  Builder b;
  b.Output("y", build(b, b.Input("x", {"N", 3})));
  const auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  const std::vector<float> x = {1, -2, 3, 4, 0, -1};
  const auto y =
      ReferenceEvaluator().RunGraph(model->graph, {{"x", *Tensor::FromValues<float>({2, 3}, x)}});
  EXPECT_TRUE(y.ok()) << y.status();
  if (!y.ok()) return {};
  std::vector<double> values;
  for (int64_t i = 0; i < y->at("y").size(); ++i) values.push_back(y->at("y").At(i));
  return values;
}

Value Scalar(Builder& b, double value) { return b.Constant(Tensor::Scalar(value, DType::kF32)); }

TEST(ElementwiseLayers, Arithmetic) {
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.Pow(x, Scalar(b, 2)); }),
              ElementsAre(1, 4, 9, 16, 0, 1));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.Mod(x, Scalar(b, 2)); }),
              ElementsAre(1, 0, 1, 0, 0, -1));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Max({x, Scalar(b, 1), b.Neg(x)});
              }),
              ElementsAre(1, 2, 3, 4, 1, 1));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Min({x, Scalar(b, 1)});
              }),
              ElementsAre(1, -2, 1, 1, 0, -1));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Sum({x, x, Scalar(b, 1)});
              }),
              ElementsAre(3, -3, 7, 9, 1, -1));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Mean({x, Scalar(b, 1)});
              }),
              ElementsAre(1, -0.5, 2, 2.5, 0.5, 0));
}

TEST(ElementwiseLayers, IntegersAndBits) {
  const auto bytes = [](Builder& b, int64_t value) {
    return b.Constant(Tensor::Scalar(static_cast<double>(value), DType::kU8));
  };
  EXPECT_THAT(ValuesOf([&](Builder& b, Value) {
                return b.BitShift(bytes(b, 5), bytes(b, 2), {.direction = "LEFT"});
              }),
              ElementsAre(20));
  EXPECT_THAT(ValuesOf([&](Builder& b, Value) { return b.Mod(bytes(b, 17), bytes(b, 5)); }),
              ElementsAre(2));
}

TEST(ElementwiseLayers, ComparisonsAndLogic) {
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.And(b.Greater(x, Scalar(b, -2)), b.LessOrEqual(x, Scalar(b, 1)));
              }),
              ElementsAre(1, 0, 0, 0, 1, 1));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Or(b.Equal(x, Scalar(b, 4)), b.Less(x, Scalar(b, -1)));
              }),
              ElementsAre(0, 1, 0, 1, 0, 0));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Xor(b.GreaterOrEqual(x, Scalar(b, 0)), b.Greater(x, Scalar(b, 2)));
              }),
              ElementsAre(1, 0, 0, 0, 1, 0));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.Select(b.Greater(x, Scalar(b, 0)), x, Scalar(b, 9));
              }),
              ElementsAre(1, 9, 3, 4, 9, 9));
}

TEST(ReduceLayers, Reductions) {
  const ReduceOptions rows = {.axes = {1}, .keep_dims = false};
  EXPECT_THAT(ValuesOf([&](Builder& b, Value x) { return b.ReduceMax(x, rows); }),
              ElementsAre(3, 4));
  EXPECT_THAT(ValuesOf([&](Builder& b, Value x) { return b.ReduceMin(x, rows); }),
              ElementsAre(-2, -1));
  EXPECT_THAT(ValuesOf([&](Builder& b, Value x) { return b.ReduceProd(x, rows); }),
              ElementsAre(-6, 0));
  EXPECT_THAT(ValuesOf([&](Builder& b, Value x) { return b.ReduceL1(x, rows); }),
              ElementsAre(6, 5));
  EXPECT_THAT(ValuesOf([&](Builder& b, Value x) { return b.ReduceSumSquare(x, rows); }),
              ElementsAre(14, 17));
  EXPECT_THAT(ValuesOf([&](Builder& b, Value x) { return b.ReduceL2(b.Add(x, x), rows); }),
              ElementsAre(testing::DoubleNear(std::sqrt(56), 1e-6),
                          testing::DoubleNear(std::sqrt(68), 1e-6)));
  EXPECT_THAT(
      ValuesOf([&](Builder& b, Value x) { return b.ReduceLogSum(x, rows); }),
      ElementsAre(testing::DoubleNear(std::log(2), 1e-6), testing::DoubleNear(std::log(3), 1e-6)));
  EXPECT_THAT(
      ValuesOf([&](Builder& b, Value x) { return b.ReduceLogSumExp(b.Mul(x, Scalar(b, 0))); }),
      ElementsAre(testing::DoubleNear(std::log(6), 1e-6)));
}

TEST(ReduceLayers, ScansAndOrder) {
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.CumSum(x); }),
              ElementsAre(1, -1, 2, 4, 4, 3));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) {
                return b.CumSum(x, {.axis = 0, .exclusive = true, .reverse = true});
              }),
              ElementsAre(4, 0, -1, 0, 0, 0));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.TopK(x, 2).values; }),
              ElementsAre(3, 1, 4, 0));
  EXPECT_THAT(
      ValuesOf([](Builder& b, Value x) { return b.TopK(x, 1, {.largest = false}).indices; }),
      ElementsAre(1, 2));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.ArgMin(x); }), ElementsAre(1, 2));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.ArgMax(x, {.axis = 0}); }),
              ElementsAre(1, 1, 0));
  EXPECT_THAT(ValuesOf([](Builder& b, Value x) { return b.Hardmax(x); }),
              ElementsAre(0, 0, 1, 1, 0, 0));
}

TEST(ReduceLayers, NameTheirConstants) {
  Builder b;
  b.Output("y", b.TopK(b.Input("x", {"N", 5}), 2, {.name = "best"}).values);
  b.Output("z", b.CumSum(b.Input("u", {"N", 5}), {.name = "running"}));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_NE(model->graph.Find("best.k"), nullptr);
  EXPECT_NE(model->graph.Find("running.axis"), nullptr);
  EXPECT_EQ(ToString(model->graph.Find("best")->type()), "f32[N,2]");
}

TEST(ReduceLayers, AMistakeIsReportedWithItsCallSite) {
  Builder b;
  const Value x = b.Input("x", {"N", 3});
  const Value best = b.TopK(x, 4, {.name = "best"}).values;
  EXPECT_TRUE(best.null());
  EXPECT_TRUE(b.Mod(best, best).null());
  EXPECT_TRUE(b.Max({best, x}).null());
  EXPECT_THAT(std::string(b.Build().status().message()),
              AllOf(HasSubstr("layers_elementwise_test.cc:"), HasSubstr("best (TopK)"),
                    HasSubstr("expected K between 0 and the extent 3"), HasSubstr("got 4")));
}

TEST(ElementwiseLayers, AMaximumOfNothingIsAnError) {
  Builder b;
  b.Max({}, {.name = "most"});
  EXPECT_THAT(std::string(b.Build().status().message()),
              HasSubstr("most (Max): expected at least one input, got none"));
}

}  // namespace
}  // namespace weft
