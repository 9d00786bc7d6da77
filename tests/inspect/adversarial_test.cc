#include "frontend/inspect/data/adversarial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/data/split.h"
#include "frontend/session/session.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Preprocessing TwoByTwo() {
  return {.channels = 3,
          .height = 2,
          .width = 2,
          .channel_order = "rgb",
          .mean = {0.5f, 0.25f, 0.5f},
          .std = {0.25f, 0.5f, 0.125f}};
}

// A small classifier in f64 of pictures [3,2,2].
Model CurvedNet() {
  Builder b({.seed = 3, .dtype = DType::kF64});
  Value h = b.Input("image", {"N", 3, 2, 2});
  h = b.Tanh(b.Linear(b.Flatten(h), {.features = 7, .name = "hidden"}));
  b.Output("probabilities", b.Softmax(b.Linear(h, {.features = 4, .name = "scores"})));
  Model model = b.Build().value();
  model.preprocessing = TwoByTwo();
  return model;
}

// Pixels of [0,1], 0 and 1 among them, normalised.
Tensor NormalisedPixels(int64_t n) {
  const Preprocessing p = TwoByTwo();
  Tensor x = Tensor::Zeros(DType::kF64, {n, 3, 2, 2}).value();
  const std::span<double> values = x.mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i / 4 % 3;
    values[i] = (static_cast<double>(i * 7 % 11) / 10 - p.mean[c]) / p.std[c];
  }
  return x;
}

double PixelOf(const Tensor& x, int64_t i) {
  const Preprocessing p = TwoByTwo();
  const auto c = static_cast<size_t>(i / 4 % 3);
  return x.At(i) * p.std[c] + p.mean[c];
}

TEST(Adversary, GradientIsTheFiniteDifferenceOfTheCrossEntropy) {
  auto adversary = Adversary::Create(CurvedNet());
  ASSERT_TRUE(adversary.ok()) << adversary.status();
  const Tensor x = NormalisedPixels(2);
  const std::array<int64_t, 2> labels = {1, 3};
  const auto losses = adversary->LossesOf(x, labels);
  ASSERT_TRUE(losses.ok()) << losses.status();
  const double step = 1e-6;
  for (int64_t i = 0; i < x.size(); ++i) {
    Tensor above = x, below = x;
    above.mutable_values<double>()[static_cast<size_t>(i)] += step;
    below.mutable_values<double>()[static_cast<size_t>(i)] -= step;
    const auto example = static_cast<size_t>(i / 12);
    const double difference = (adversary->LossesOf(above, labels, false)->loss[example] -
                               adversary->LossesOf(below, labels, false)->loss[example]) /
                              (2 * step);
    EXPECT_NEAR(losses->gradient.At(i), difference, 1e-8) << i;
  }
  // The loss is minus the logarithm of the probability that the model gives.
  const Tensor probabilities = Session::Create(CurvedNet()).value()->Run(x).value();
  EXPECT_NEAR(losses->loss[0], -std::log(probabilities.At(1)), 1e-12);
  EXPECT_NEAR(losses->loss[1], -std::log(probabilities.At(4 + 3)), 1e-12);
}

TEST(Adversary, FgsmMovesEachPixelByEpsilonAlongTheSignWithinTheRange) {
  auto adversary = Adversary::Create(CurvedNet()).value();
  const Tensor x = NormalisedPixels(2);
  const std::array<int64_t, 2> labels = {0, 2};
  const Tensor gradient = adversary.LossesOf(x, labels)->gradient;
  const Tensor attacked = adversary.Perturb(x, labels, {.epsilon = 0.1}).value();
  int64_t clipped = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    const double to = PixelOf(x, i) + (gradient.At(i) > 0 ? 0.1 : -0.1);
    clipped += to < 0 || to > 1;
    EXPECT_NEAR(PixelOf(attacked, i), std::min(1.0, std::max(0.0, to)), 1e-12) << i;
  }
  EXPECT_GT(clipped, 0);
  EXPECT_EQ(adversary.SignStep(x, gradient, 0.1).value(), attacked);
}

// Of a linear model with two classes FGSM is the worst that can be done, and the loss is known:
// softplus(-(margin - epsilon |w|_1)) with w in units of pixels (Goodfellow et al., section 5).
TEST(Adversary, OfALinearModelIsTheWorstCase) {
  Builder b({.seed = 5});
  const Value x = b.Flatten(b.Input("image", {"N", 3, 2, 2}));
  b.Output("scores", b.Linear(x, {.features = 2, .name = "fc"}));
  Model model = b.Build().value();
  model.preprocessing = TwoByTwo();
  auto adversary = Adversary::Create(model).value();
  Tensor gray = Tensor::Zeros(DType::kF32, {1, 3, 2, 2}).value();  // far from 0 and 1
  const std::array<int64_t, 1> label = {0};
  const auto session = Session::Create(model).value();
  const auto margin = [&](const Tensor& at) {
    const Tensor scores = session->Run(at).value();
    return scores.At(0) - scores.At(1);
  };
  const double clean = margin(gray), epsilon = 0.05;
  double norm = 0;  // of the margin's derivatives by pixels, each found by moving one pixel
  for (size_t i = 0; i < 12; ++i) {
    Tensor moved = gray;
    moved.mutable_values<float>()[i] += 1;
    norm += std::abs(margin(moved) - clean) / TwoByTwo().std[i / 4];
  }
  const double worst = std::log1p(std::exp(-(clean - epsilon * norm)));
  for (const int64_t steps : {0, 10}) {
    const Tensor attacked =
        adversary.Perturb(gray, label, {.epsilon = epsilon, .steps = steps}).value();
    EXPECT_NEAR(adversary.LossesOf(attacked, label)->loss[0], worst, 1e-5) << steps;
  }
}

TEST(Adversary, PgdStaysNearAndWithinTheRangeAndDependsOnItsSeedAlone) {
  auto adversary = Adversary::Create(CurvedNet()).value();
  const Tensor x = NormalisedPixels(4);
  const std::array<int64_t, 4> labels = {0, 1, 2, 3};
  const Attack attack{.epsilon = 0.06, .steps = 7, .seed = 2};
  const Tensor attacked = adversary.Perturb(x, labels, attack).value();
  for (int64_t i = 0; i < x.size(); ++i) {
    EXPECT_LE(std::abs(PixelOf(attacked, i) - PixelOf(x, i)), 0.06 + 1e-12);
    EXPECT_GE(PixelOf(attacked, i), -1e-12);
    EXPECT_LE(PixelOf(attacked, i), 1 + 1e-12);
  }
  EXPECT_EQ(adversary.Perturb(x, labels, attack).value(), attacked);
  Attack start = attack;
  start.step_size = 1e-9;  // the start is all that is seen
  const Tensor one = adversary.Perturb(x, labels, start).value();
  start.seed = 3;
  EXPECT_FALSE(adversary.Perturb(x, labels, start).value() == one);
  // In whichever batch an example comes.
  const Tensor last =
      adversary
          .Perturb(
              Tensor::FromValues<double>({1, 3, 2, 2}, x.values<double>().subspan(36, 12)).value(),
              std::array<int64_t, 1>{3}, attack, 3)
          .value();
  for (int64_t i = 0; i < 12; ++i) EXPECT_NEAR(last.At(i), attacked.At(36 + i), 1e-12);
}

TEST(Adversary, AccuracyFallsWithEpsilonAndPgdIsAsStrongAsFgsm) {
  const Model model = GoldenModel("digits");
  std::vector<int64_t> first;
  for (int64_t i = 0; i < 200; ++i) first.push_back(i);
  const auto data = SubsetDataset(GoldenData("digits"), first, "digits").value();
  const auto points = AccuracyAgainstEpsilon(
      model, data, {.epsilons = {0, 0.02, 0.05, 0.1, 0.2}, .batch_size = 64});
  ASSERT_TRUE(points.ok()) << points.status();
  const Evaluation e = *Session::Create(model).value()->Evaluate(data);
  EXPECT_DOUBLE_EQ((*points)[0].fgsm, e.accuracy());
  EXPECT_DOUBLE_EQ((*points)[0].pgd, e.accuracy());
  for (size_t i = 1; i < points->size(); ++i) {
    EXPECT_LE((*points)[i].fgsm, (*points)[i - 1].fgsm) << i;
    EXPECT_LE((*points)[i].pgd, (*points)[i - 1].pgd) << i;
    EXPECT_LE((*points)[i].pgd, (*points)[i].fgsm) << i;
  }
  EXPECT_LT(points->back().fgsm, 0.6 * e.accuracy());
  EXPECT_LT(points->back().pgd, 0.1);
  EXPECT_THAT(RobustnessSvg(*points), HasSubstr("FGSM"));
}

TEST(Adversary, SaysWhatIsWrong) {
  Model bare = CurvedNet();
  bare.preprocessing.reset();
  EXPECT_THAT(Adversary::Create(bare).status().message(), HasSubstr("its pixels have no range"));
  auto adversary = Adversary::Create(CurvedNet()).value();
  const Tensor x = NormalisedPixels(1);
  EXPECT_THAT(adversary.Perturb(x, std::array<int64_t, 1>{4}, {}).status().message(),
              HasSubstr("expected classes in [0,4), example 0 of the batch has 4"));
  EXPECT_THAT(adversary.Perturb(x, std::array<int64_t, 2>{1, 1}, {}).status().message(),
              HasSubstr("a class for each of 1 pictures, got 2"));
  EXPECT_THAT(adversary.Perturb(x, std::array<int64_t, 1>{1}, {.epsilon = 2}).status().message(),
              HasSubstr("expected an epsilon in [0,1]"));
  EXPECT_FALSE(adversary.SignStep(x, Tensor(), 0.1).ok());
  EXPECT_FALSE(AccuracyAgainstEpsilon(CurvedNet(), GoldenData("digits"), {.epsilons = {}}).ok());
}

}  // namespace
}  // namespace weft
