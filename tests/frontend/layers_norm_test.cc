// The builder's normalisations: values, parameters, names, errors.

#include <array>
#include <cmath>

#include "autodiff/gradients.h"
#include "frontend/build/builder.h"
#include "frontend/session/session.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/reference.h"

namespace weft {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

using Doubles = std::vector<double>;

// The value that `build` makes of x, in f64; parameters as they are initialized.
template <typename F>
Doubles ValuesOf(const Dims& dims, const Doubles& x, F build) {
  Builder b({.dtype = DType::kF64});
  std::vector<Axis> shape(dims.begin(), dims.end());
  b.Output("y", build(b, b.Input("x", shape)));
  const auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  const auto y = ReferenceEvaluator().RunGraph(
      model->graph, {{"x", Tensor::FromValues<double>(dims, x).value()}});
  EXPECT_TRUE(y.ok()) << y.status();
  if (!y.ok()) return {};
  Doubles values;
  for (int64_t i = 0; i < y->at("y").size(); ++i) values.push_back(y->at("y").At(i));
  return values;
}

template <typename F>
std::string ErrorOf(F build) {
  Builder b;
  build(b, b.Input("x", {"N", 6, 8, 8}));
  return std::string(b.status().message());
}

TEST(NormLayers, BatchNormTakesEveryNumberOfAxes) {
  Builder b;
  const BatchNormOptions o = {.epsilon = 0.25};
  const std::vector<Axis> image = {"N", 3, 4, 5};
  EXPECT_EQ(ToString(b.BatchNorm1d(b.Input("a", {"N", 7}), o).type()), "f32[N,7]");
  EXPECT_EQ(ToString(b.BatchNorm1d(b.Input("b", {"N", 3, 9})).type()), "f32[N,3,9]");
  EXPECT_EQ(ToString(b.BatchNorm2d(b.Input("c", image)).type()), "f32[N,3,4,5]");
  const Value y = b.BatchNorm3d(b.Input("d", {"N", 2, 3, 4, 5}));
  EXPECT_EQ(ToString(y.type()), "f32[N,2,3,4,5]");
  b.Output("y", y);
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(model->graph.Find("bn4.running_var")->type()), "f32[2]");
  EXPECT_EQ(GetFloat(model->graph.Find("bn1")->attributes(), "epsilon"), 0.25);
}

TEST(NormLayers, LayerNormNormalizesAllButTheBatchByDefault) {
  const double r = 1 / std::sqrt(5.0);
  EXPECT_THAT(ValuesOf({1, 2, 1, 2}, {1, 3, 5, 7},
                       [](Builder& b, Value x) { return b.LayerNorm(x, {.epsilon = 0}); }),
              Pointwise(DoubleNear(1e-12), Doubles{-3 * r, -r, r, 3 * r}));
  EXPECT_THAT(ValuesOf({1, 2, 1, 2}, {1, 3, 5, 9},
                       [](Builder& b, Value x) {
                         return b.LayerNorm(x, {.axes = 1, .epsilon = 0, .affine = false});
                       }),
              Pointwise(DoubleNear(1e-12), Doubles{-1, 1, -1, 1}));
}

TEST(NormLayers, LayerNormHasTheParametersItIsAskedFor) {
  Builder b;
  const Value x = b.Input("x", {"N", 3, 4, 5});
  Value y = b.LayerNorm(x, {.axes = 2});
  y = b.LayerNorm(y, {.axes = 1, .bias = false, .name = "no_bias"});
  b.Output("y", b.LayerNorm(y, {.affine = false, .name = "plain"}));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<std::string> variables;
  for (const Node* v : model->graph.variables()) {
    variables.push_back(v->name() + " " + ToString(v->type()));
  }
  EXPECT_THAT(variables,
              ElementsAre("ln1.weight f32[4,5]", "ln1.bias f32[4,5]", "no_bias.weight f32[5]"));
}

TEST(NormLayers, InstanceNormIsPlainUnlessAffine) {
  EXPECT_THAT(ValuesOf({1, 2, 2}, {1, 3, 5, 9},
                       [](Builder& b, Value x) { return b.InstanceNorm1d(x, {.epsilon = 0}); }),
              Pointwise(DoubleNear(1e-12), Doubles{-1, 1, -1, 1}));
  Builder b;
  b.Output("y", b.InstanceNorm3d(b.InstanceNorm3d(b.Input("x", {"N", 6, 2, 2, 2})),
                                 {.affine = true, .name = "affine"}));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->graph.Find("in1.weight")->op_name(), kConstant);
  EXPECT_EQ(ToString(model->graph.Find("affine.weight")->type()), "f32[6]");
  EXPECT_TRUE(IsTrainable(*model->graph.Find("affine.bias")));
}

TEST(NormLayers, GroupNormSharesStatisticsAmongChannels) {
  const double r = 1 / std::sqrt(5.0);
  EXPECT_THAT(
      ValuesOf({1, 4, 1}, {1, 3, 5, 7},
               [](Builder& b, Value x) { return b.GroupNorm(x, {.groups = 1, .epsilon = 0}); }),
      Pointwise(DoubleNear(1e-12), Doubles{-3 * r, -r, r, 3 * r}));
  EXPECT_THAT(ValuesOf({1, 4, 1}, {1, 3, 5, 9},
                       [](Builder& b, Value x) {
                         return b.GroupNorm(x, {.groups = 2, .epsilon = 0, .affine = false});
                       }),
              Pointwise(DoubleNear(1e-12), Doubles{-1, 1, -1, 1}));
}

TEST(NormLayers, LocalResponseNormTakesPyTorchsOptions) {
  EXPECT_THAT(ValuesOf({1, 3, 1}, {1, 2, 3},
                       [](Builder& b, Value x) {
                         return b.LocalResponseNorm(x, {.size = 3, .alpha = 3, .beta = 1, .k = 2});
                       }),
              Pointwise(DoubleNear(1e-12), Doubles{1. / 7, 2. / 16, 3. / 15}));
}

TEST(NormLayers, LpNormDividesByTheNormOfTheChannels) {
  EXPECT_THAT(ValuesOf({1, 2, 1}, {3, 4}, [](Builder& b, Value x) { return b.LpNorm(x); }),
              Pointwise(DoubleNear(1e-12), Doubles{0.6, 0.8}));
  EXPECT_THAT(ValuesOf({2, 2}, {1, 3, 4, 4},
                       [](Builder& b, Value x) { return b.LpNorm(x, {.p = 1, .axis = -1}); }),
              Pointwise(DoubleNear(1e-12), Doubles{0.25, 0.75, 0.5, 0.5}));
}

TEST(NormLayers, MeanVarianceNormIsPerChannelByDefault) {
  EXPECT_THAT(ValuesOf({2, 2, 1, 1}, {1, 10, 3, 30},
                       [](Builder& b, Value x) { return b.MeanVarianceNorm(x); }),
              Pointwise(DoubleNear(1e-8), Doubles{-1, -1, 1, 1}));
  EXPECT_THAT(ValuesOf({1, 2, 1, 2}, {1, 3, 10, 30},
                       [](Builder& b, Value x) {
                         return b.MeanVarianceNorm(x, {.axes = {-1}, .epsilon = 1, .name = "mvn"});
                       }),
              Pointwise(DoubleNear(1e-8), Doubles{-0.5, 0.5, -10. / 11, 10. / 11}));
}

// sd 0.5 around a mean of 1e5, where f32 numbers are 1/128 apart.
TEST(NormLayers, MeanVarianceNormKeepsTheVarianceOfALargeMean) {
  std::vector<float> x;
  for (int i = 0; i < 4096; ++i) {
    x.push_back(100000 + static_cast<float>((i * 2654435761u >> 8) % 1000) / 577);
  }
  double mean = 0, variance = 0;
  for (float v : x) mean += v / 4096.0;
  for (float v : x) variance += (v - mean) * (v - mean) / 4096;
  Builder b;
  b.Output("y", b.MeanVarianceNorm(b.Input("x", {1, 1, 64, 64})));
  const Model model = b.Build().value();
  const TensorMap feeds = {{"x", Tensor::FromValues<float>({1, 1, 64, 64}, x).value()}};
  const auto session = Session::Create(model, {.threads = 1});
  ASSERT_TRUE(session.ok()) << session.status();
  for (const auto& run :
       {ReferenceEvaluator().RunGraph(model.graph, feeds), (*session)->Run(feeds)}) {
    ASSERT_TRUE(run.ok()) << run.status();
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(run->at("y").At(static_cast<int64_t>(i)), (x[i] - mean) / std::sqrt(variance),
                  1e-5)
          << i;
    }
  }
}

// The square of the norm is no f32; its reciprocal is.
TEST(NormLayers, LpNormOfHugeNumbersHasAGradient) {
  Builder b;
  b.Output("y", b.LpNorm(b.Input("x", {1, 2}), {.axis = -1}));
  Graph graph = std::move(b.Build()->graph);
  const Value x = graph.Find("x")->output(), y = graph.outputs()[0].value;
  const Value dy =
      *graph.AddConstant("dy", *Tensor::FromValues<float>({1, 2}, std::array{1.0f, 0.0f}));
  const auto dx = Gradients(graph, std::span(&y, 1), std::span(&x, 1), std::span(&dy, 1));
  ASSERT_TRUE(dx.ok()) << dx.status();
  const auto values = ReferenceEvaluator().RunValues(
      graph, {{"x", *Tensor::FromValues<float>({1, 2}, std::array{3e25f, 4e25f})}}, *dx);
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_FLOAT_EQ((*values)[0].values<float>()[0], 1.28e-26f);
  EXPECT_FLOAT_EQ((*values)[0].values<float>()[1], -0.96e-26f);
}

TEST(NormLayers, SayWhatWasExpectedAndWhere) {
  const int line = __LINE__ + 1;
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.BatchNorm3d(x); }),
              testing::StartsWith("frontend/layers_norm_test.cc:" + std::to_string(line) +
                                  ": bn1 (BatchNormalization): expected an input [N,C,D,H,W], "
                                  "got f32[N,6,8,8]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.BatchNorm1d(x); }),
              HasSubstr("expected an input [N,C] or [N,C,L], got f32[N,6,8,8]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.BatchNorm2d(Value()); }), HasSubstr("got none"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.LayerNorm(x, {.axes = 5}); }),
              HasSubstr("ln1 (LayerNormalization): expected to normalize 1 to rank axes, got 5"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.LayerNorm(x, {.axes = 4}); }),
              HasSubstr("expected a known number of elements to normalize"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.LayerNorm(Value()); }), HasSubstr("of none"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.InstanceNorm1d(x); }),
              HasSubstr("in1 (InstanceNormalization): expected an input [N,C,L]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.GroupNorm(x, {.groups = 4}); }),
              HasSubstr("gn1 (GroupNormalization): expected channels that num_groups divides, got "
                        "6 channels and 4 groups"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.GroupNorm(x); }), HasSubstr("0 groups"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.GroupNorm(Value(), {.groups = 1}); }),
              HasSubstr("got none"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.LocalResponseNorm(x); }),
              HasSubstr("expected a size of at least 1, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.LpNorm(x, {.p = 7}); }), HasSubstr("got 7"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.MeanVarianceNorm(x, {.axes = {9}}); }),
              HasSubstr("9"));
}

TEST(NormLayers, RefuseIntegersWithoutACrash) {
  Builder b;
  const Value x = b.Input("x", {"N", 6, 8, 8}, {.dtype = DType::kI64});
  b.InstanceNorm2d(x);
  EXPECT_THAT(std::string(b.status().message()), HasSubstr("i64"));
}

}  // namespace
}  // namespace weft
