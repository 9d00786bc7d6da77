#include "frontend/inspect/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "frontend/build/builder.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A small classifier in f64.
Model SmallNet() {
  Builder b({.seed = 5, .dtype = DType::kF64});
  Value h = b.Input("image", {"N", 2, 6, 6});
  h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 3, .kernel = 3, .name = "conv1"})));
  h = b.MaxPool2d(h, {.kernel = 2, .stride = 2});
  b.Output("scores", b.Softmax(b.Linear(b.Flatten(h), {.features = 4, .name = "fc"})));
  return b.Build().value();
}

Tensor SomeInput(Dims dims) {
  Tensor x = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  const std::span<double> values = x.mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(1.7 * static_cast<double>(i) + 1);
  return x;
}

TEST(Probe, GradientIsTheFiniteDifference) {
  const auto probe = Probe::Create(SmallNet());
  ASSERT_TRUE(probe.ok()) << probe.status();
  const Tensor x = SomeInput({1, 2, 6, 6});
  const Tensor scores = (*(*probe)->Values(x))[0];
  ASSERT_EQ(scores.dims(), (Dims{1, 4}));
  const Tensor cotangent = *UnitCotangent(scores, 2);
  const auto result = (*probe)->Backward(x, std::array{cotangent});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->values[0], scores);
  const double step = 1e-6;
  for (const int64_t i : {0, 13, 40, 71}) {
    Tensor above = x, below = x;
    above.mutable_values<double>()[static_cast<size_t>(i)] += step;
    below.mutable_values<double>()[static_cast<size_t>(i)] -= step;
    const double difference =
        ((*(*probe)->Values(above))[0].At(2) - (*(*probe)->Values(below))[0].At(2)) / (2 * step);
    EXPECT_NEAR(result->gradients[0].At(i), difference, 1e-7) << i;
  }
}

TEST(Probe, ScoresAreWhatTheSoftmaxReads) {
  const Model model = SmallNet();
  const auto probe = Probe::Create(model);
  const auto named = Probe::Create(model, {.at = {"fc"}});
  ASSERT_TRUE(named.ok()) << named.status();
  const Tensor x = SomeInput({2, 2, 6, 6});
  EXPECT_EQ((*(*probe)->Values(x))[0], (*(*named)->Values(x))[0]);
}

TEST(Probe, ReadsAndGoesBackToLayers) {
  const auto probe = Probe::Create(SmallNet(), {.at = {"conv1", ""}, .towards = {"conv1"}});
  ASSERT_TRUE(probe.ok()) << probe.status();
  const Tensor x = SomeInput({1, 2, 6, 6});
  const std::vector<Tensor> values = *(*probe)->Values(x);
  EXPECT_EQ(values[0].dims(), (Dims{1, 3, 4, 4}));
  const Tensor none = *Tensor::Zeros(DType::kF64, values[1].dims());
  const auto result = (*probe)->Backward(x, std::array{*UnitCotangent(values[0], 1, 3), none});
  ASSERT_TRUE(result.ok()) << result.status();
  // The identity's cotangent arrives as it is.
  EXPECT_EQ(result->gradients[0], *UnitCotangent(values[0], 1, 3));
}

TEST(Probe, WhatIsReadBesidesHasNoCotangent) {
  const Model model = SmallNet();
  const auto probe = Probe::Create(model, {.read = {"conv1"}, .towards = {"conv1"}});
  ASSERT_TRUE(probe.ok()) << probe.status();
  const Tensor x = SomeInput({1, 2, 6, 6});
  const Tensor maps = (*Probe::Create(model, {.at = {"conv1"}}).value()->Values(x))[0];
  const Tensor one = *UnitCotangent(*Tensor::Zeros(DType::kF64, {1, 4}), 0);
  const auto result = (*probe)->Backward(x, std::array{one});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->values.size(), 2u);
  EXPECT_EQ(result->values[0].dims(), (Dims{1, 4}));
  EXPECT_EQ(result->values[1].dims(), maps.dims());
  for (int64_t i = 0; i < maps.size(); ++i) {
    EXPECT_NEAR(result->values[1].At(i), maps.At(i), 1e-12);
  }
  EXPECT_EQ(result->gradients[0].dims(), maps.dims());
  EXPECT_THAT((*probe)->Backward(x, std::array{one, maps}).status().message(),
              HasSubstr("expected 1 cotangents, got 2"));
  EXPECT_EQ((*(*probe)->Values(x)).size(), 2u);
}

TEST(Probe, ObjectivesAreMadeInTheGraph) {
  const auto probe = Probe::Create(
      SmallNet(), {.at = {"fc"}, .objectives = [](Emitter& e, std::span<const Value> values) {
                     return std::vector<Value>{e.Op("Mul", {values[0], values[0]})};
                   }});
  ASSERT_TRUE(probe.ok()) << probe.status();
  const auto plain = Probe::Create(SmallNet());
  const Tensor x = SomeInput({1, 2, 6, 6});
  const double score = (*(*plain)->Values(x))[0].At(1);
  EXPECT_NEAR((*(*probe)->Values(x))[0].At(1), score * score, 1e-12);
}

// x = (-1, 2), rectified, times weights (3, -4): what comes back under each rule.
TEST(Probe, RulesOfRectifiers) {
  const auto back = [](BackwardRule rule) {
    Builder b;
    const Value x = b.Input("x", {"N", 4});
    const Value weights =
        b.Constant(Tensor::FromValues<float>({1, 4}, std::array{3.f, -4.f, 3.f, -4.f}).value());
    b.Output("y", b.Mul(b.Relu(x), weights));
    const Model model = b.Build().value();
    auto probe = Probe::Create(model, {.rule = rule}).value();
    const Tensor in = Tensor::FromValues<float>({1, 4}, std::array{-1.f, -1.f, 2.f, 2.f}).value();
    const Tensor one = Tensor::FromValues<float>({1, 4}, std::array{1.f, 1.f, 1.f, 1.f}).value();
    const Tensor gradient = probe->Backward(in, std::array{one})->gradients[0];
    return std::vector<float>(gradient.values<float>().begin(), gradient.values<float>().end());
  };
  EXPECT_THAT(back(BackwardRule::kGradient), ElementsAre(0, 0, 3, -4));
  EXPECT_THAT(back(BackwardRule::kGuided), ElementsAre(0, 0, 3, 0));
  EXPECT_THAT(back(BackwardRule::kDeconvolution), ElementsAre(3, 0, 3, 0));
}

TEST(Probe, ANodeMayBeCalledAsCotangentsAre) {
  Builder b({.seed = 5});
  Value h = b.Relu(b.Input("cotangent0", {"N", 3}), {.name = "cotangent"});
  b.Output("scores", b.Linear(h, {.features = 2}));
  const auto probe = Probe::Create(b.Build().value());
  ASSERT_TRUE(probe.ok()) << probe.status();
  const Tensor x = *Tensor::FromValues<float>({1, 3}, std::array{1.f, 2.f, 3.f});
  const Tensor scores = (*(*probe)->Values(x))[0];
  const auto result = (*probe)->Backward(x, std::array{*UnitCotangent(scores, 1)});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->gradients[0].dims(), (Dims{1, 3}));
}

TEST(Probe, SaysWhatIsNotThere) {
  EXPECT_EQ(UnitCotangent(SomeInput({0, 4}), 1)->dims(), (Dims{0, 4}));
  EXPECT_THAT(UnitCotangent(Tensor::Zeros(DType::kI64, {1, 4}).value(), 1).status().message(),
              HasSubstr("f32 or f64 [N,C,...], of i64[1,4]"));

  EXPECT_THAT(Probe::Create(SmallNet(), {.at = {"conv2"}}).status().message(),
              HasSubstr("no node is called conv2, did you mean conv1?"));
  EXPECT_THAT(
      UnitCotangent(SomeInput({1, 4}), 4).status().message(),
      HasSubstr("expected a unit of values f32 or f64 [N,C,...], of f64[1,4], got number 4"));
  const auto probe = Probe::Create(SmallNet(), {.towards = {}}).value();
  EXPECT_FALSE(probe->Backward(SomeInput({1, 2, 6, 6}), std::array{SomeInput({1, 4})}).ok());
}

}  // namespace
}  // namespace weft
