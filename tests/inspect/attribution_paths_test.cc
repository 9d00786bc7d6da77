// Methods that take the gradient at many places: integrated gradients and SmoothGrad.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/zoo/zoo.h"
#include "testing_attribution.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Of a linear score every path of gradients is exact: x - baseline times the weights.
TEST(AttributionPaths, IntegratedGradientsOfALinearScoreAreItsTerms) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 1, 3});
  const Tensor weights = Tensor::FromValues<float>({3, 1}, std::array{2.f, -1.f, 4.f}).value();
  b.Output("y", b.MatMul(b.Flatten(x), b.Constant(weights)));
  const Model model = b.Build().value();
  const Tensor in = Tensor::FromValues<float>({1, 1, 1, 3}, std::array{1.f, 2.f, 3.f}).value();
  const auto what = IntegratedGradients(model, in, {.baseline = 1, .steps = 2});
  ASSERT_TRUE(what.ok()) << what.status();
  EXPECT_THAT(ValuesOf(what->elements), ElementsAre(0, -1, 8));
  EXPECT_EQ(what->completeness_error, 0);
  EXPECT_EQ(what->score, 12);
}

// x^3 from 0 to 3: the middles of n parts miss the integral of 3 x^2, 27, by a share 1 / (4 n^2).
TEST(AttributionPaths, IntegratedGradientsTakeStepsUntilTheyAreComplete) {
  Builder b;
  const Value x = b.Input("x", {"N", 1});
  b.Output("y", b.Mul(b.Mul(x, x), x));
  const Model model = b.Build().value();
  const Tensor in = Tensor::FromValues<float>({1, 1}, std::array{3.f}).value();
  const auto coarse = IntegratedGradients(model, in, {.steps = 2, .completeness = 1});
  EXPECT_NEAR(*coarse->completeness_error, 1.0 / 16, 1e-6);
  EXPECT_NEAR(coarse->elements.At(0), 27 * (1 - 1.0 / 16), 1e-4);
  const auto finer = IntegratedGradients(model, in, {.steps = 2, .completeness = 0.01});
  EXPECT_NEAR(*finer->completeness_error, 1.0 / 144, 1e-6);  // 6 steps
  EXPECT_THAT(IntegratedGradients(model, in, {.steps = 0}).status().message(),
              HasSubstr("expected steps from 1 to 8192, got 0"));
}

// From zeros a network of rectifiers with its initial weights, without offsets, would be linear:
// the baselines are others.
TEST(AttributionPaths, IntegratedGradientsAreCompleteOfDeepNetworks) {
  const std::pair<const char*, Dims> kNetworks[] = {{"resnet32_cifar", {3, 32, 32}},
                                                    {"efficientnet_b0", {3, 32, 32}}};
  for (const auto& [name, dims] : kNetworks) {
    const Model model = BuildNetwork(**FindNetwork(name), {.input = dims, .width = 0.5}).value();
    const Tensor x = Waves({1, dims[0], dims[1], dims[2]});
    const auto what = IntegratedGradients(model, x, {.baseline = -0.7f});
    ASSERT_TRUE(what.ok()) << what.status();
    EXPECT_LT(*what->completeness_error, 1e-3) << name;
    // By definition, computed anew.
    Tensor baseline = *Tensor::Zeros(DType::kF32, x.dims());
    std::ranges::fill(baseline.mutable_values<float>(), -0.7f);
    double sum = 0;
    for (const float e : what->elements.values<float>()) sum += e;
    EXPECT_NEAR(sum / (what->score - ScoreOf(model, baseline, what->target)), 1, 1e-3) << name;
    RecordProperty(name, std::to_string(*what->completeness_error));
  }
}

TEST(AttributionPaths, SmoothGradWithoutNoiseIsTheGradient) {
  const Model model = CurvedNet(DType::kF64);
  const Tensor x = Waves({1, 2, 8, 8});
  const Attribution gradient = *GradientAttribution(model, x);
  const Attribution smooth = *SmoothGrad(model, x, {.samples = 5, .noise = 0});
  for (int64_t i = 0; i < 128; ++i) {
    EXPECT_NEAR(smooth.elements.At(i), gradient.elements.At(i), 1e-7) << i;
  }
}

// d x^2 / d x = 2 (x + noise), so that one sample tells the noise.
TEST(AttributionPaths, SmoothGradDrawsNormalNoiseBySeed) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 1, 2});
  b.Output("y", b.ReduceSum(b.Flatten(b.Mul(x, x)), {.axes = {1}}));
  const Attributor of(b.Build().value());
  const Tensor in = Tensor::FromValues<float>({1, 1, 1, 2}, std::array{1.f, 5.f}).value();
  const auto run = [&](uint64_t seed, int64_t samples, int64_t batch) {
    return SmoothGrad(of, in,
                      {.samples = samples, .noise = 0.25, .seed = seed, .batch_size = batch})
        ->elements;
  };
  EXPECT_EQ(run(7, 10, 4), run(7, 10, 4));
  EXPECT_EQ(run(7, 10, 4), run(7, 10, 3));
  EXPECT_FALSE(run(7, 10, 4) == run(8, 10, 4));
  // The deviation is 0.25 * (5 - 1) = 1.
  constexpr int kDraws = 1000;
  double sum = 0, squares = 0;
  for (int seed = 0; seed < kDraws; ++seed) {
    const double noise = run(static_cast<uint64_t>(seed), 1, 1).At(0) / 2 - 1;
    sum += noise / kDraws;
    squares += noise * noise / kDraws;
  }
  EXPECT_NEAR(sum, 0, 4 / std::sqrt(kDraws));
  EXPECT_NEAR(squares, 1, 4 * std::sqrt(2.0 / kDraws));
  EXPECT_THAT(SmoothGrad(of, in, {.samples = 0}).status().message(),
              HasSubstr("expected 1 sample or more and a noise of 0 or more, got 0"));
}

}  // namespace
}  // namespace weft
