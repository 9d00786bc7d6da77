// What attribution refuses, and what it does not hide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"
#include "frontend/inspect/layers/activations.h"
#include "testing_attribution.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Each row of a picture is judged on its own: [N,C,H,W] -> scores [N*H,C].
TEST(AttributionLimits, SeveralRowsOfScoresAnExampleAreRefused) {
  Builder b;
  const Value h = b.Input("image", {"N", 2, 4, 4});
  b.Output("scores", b.Linear(b.Reshape(h, {-1, 8}), {.features = 3}));
  const Model model = b.Build().value();
  const Tensor x = Waves({1, 2, 4, 4});
  for (const AttributionMethod& method : AttributionMethods()) {
    EXPECT_FALSE(method.run(model, x, {}).ok()) << method.name;
  }
  EXPECT_THAT(Occlusion(model, x).status().message(),
              HasSubstr("expected scores [1,C] of one example, the model gives f32[4,3]"));
}

TEST(AttributionLimits, ScoresThatAreNoNumbersAreRefused) {
  Tensor x = Waves({1, 2, 8, 8});
  x.mutable_values<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(GradientAttribution(PooledNet(), x).status().message(),
              HasSubstr("expected finite scores, class 0 has nan"));
}

TEST(AttributionLimits, InputsOfIntegersAreNamed) {
  Builder b;
  const Value tokens = b.Input("tokens", {"N", 4}, {.dtype = DType::kI64});
  b.Output("scores",
           b.Linear(b.Flatten(b.Embedding(tokens, {.count = 9, .features = 2})), {.features = 3}));
  const Model model = b.Build().value();
  EXPECT_THAT(Occlusion(model, Waves({1, 4})).status().message(),
              HasSubstr("expected a floating-point input, tokens is i64[N,4]"));
}

Model NetOfBatch(int64_t batch) {
  Builder b({.seed = 8});
  Value h = b.Input("image", {batch, 1, 6, 6});
  h = b.Relu(b.Conv2d(h, {.channels = 4, .kernel = 3}), {.name = "relu1"});
  b.Output("scores", b.Linear(b.Flatten(h), {.features = 3}));
  return b.Build().value();
}

TEST(AttributionLimits, ModelsOfOneExampleAreAskedForOneAtATime) {
  const Tensor x = Waves({1, 1, 6, 6});
  for (const AttributionMethod& method : AttributionMethods()) {
    if (method.name == "cam") continue;  // it has no pooling
    const auto what = method.run(NetOfBatch(1), x, {.samples = 3, .batch_size = 5});
    EXPECT_TRUE(what.ok()) << method.name << ": " << what.status();
  }
  EXPECT_THAT(Occlusion(NetOfBatch(8), x).status().message(),
              HasSubstr("expected an input for one example or any number of them, image is "
                        "f32[8,1,6,6]"));
  EXPECT_THAT(Activations(NetOfBatch(8), x).status().message(), HasSubstr("image is f32[8,1,6,6]"));
}

TEST(AttributionLimits, WhatIsNoNumberStaysInTheMap) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Attribution what;
  what.map = Tensor::Zeros(DType::kF32, {1, 3}).value();
  what.elements =
      Tensor::FromValues<float>({2, 3}, std::array{nan, 1.f, -4.f, 2.f, nan, 3.f}).value();
  LargestMagnitudes(what);
  EXPECT_TRUE(std::isnan(what.map.At(0)));
  EXPECT_TRUE(std::isnan(what.map.At(1)));
  EXPECT_EQ(what.map.At(2), 4);
}

// A Reshape that mixes channels and places is no mere flattening.
TEST(AttributionLimits, CamGoesPastFlatteningOnly) {
  Builder b;
  Value h = b.GlobalAvgPool(
      b.Conv2d(b.Input("image", {"N", 1, 6, 6}), {.channels = 4, .kernel = 3, .name = "conv"}));
  b.Output("scores", b.Linear(b.Reshape(h, {-1, 2}, {.name = "mixed"}), {.features = 2}));
  EXPECT_THAT(ClassActivationMap(b.Build().value(), Waves({1, 1, 6, 6})).status().message(),
              HasSubstr("mixed (Reshape) is no global average pooling"));
  // Of two halves of the channels the second one is pooled.
  Builder split;
  h = split.Conv2d(split.Input("image", {"N", 1, 6, 6}), {.channels = 4, .kernel = 3});
  const std::vector<Value> halves = split.Split(h, {2, 2}, 1);
  split.Output("scores", split.Linear(split.GlobalAvgPool(halves[1]), {.features = 2}));
  EXPECT_THAT(ClassActivationMap(split.Build().value(), Waves({1, 1, 6, 6})).status().message(),
              HasSubstr("is no node whose first output is pooled"));
}

}  // namespace
}  // namespace weft
