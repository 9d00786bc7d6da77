// Weights and their gradients over a data set.
#include "frontend/inspect/layers/parameter_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/data/open.h"
#include "frontend/inspect/layers/histogram_svg.h"
#include "frontend/inspect/layers/loss_surface.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_features.h"
#include "testing_golden.h"
#include "testing_svg.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Without normalization, so that training and inference compute the same loss.
Model PlainNet() {
  Builder b({.seed = 4});
  Value h = b.Input("image", {"N", 1, 28, 28});
  h = b.Sigmoid(b.Conv2d(h, {.channels = 2, .kernel = 5, .stride = 4, .name = "conv1"}));
  b.Output("scores", b.Linear(b.Flatten(h), {.features = 10, .name = "fc"}));
  return b.Build().value();
}

// The gradient's square is how fast the loss grows along it.
TEST(GradientStatistics, NormsAreSlopesOfTheLoss) {
  const Model model = PlainNet();
  const auto data = *OpenDataset("digits:100", Split::kTest);
  const auto all = GradientStatistics(model, data, {.batch_size = data->size()});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 4u);
  for (const ParameterStatistics& p : *all) {
    const Tensor weights = LeafValue(*model.graph.Find(p.parameter));
    EXPECT_EQ(p.dims, weights.dims());
    EXPECT_EQ(p.gradients.count(), weights.size());
    EXPECT_NEAR(p.gradient_norm, p.gradients.norm(), 1e-6 * p.gradient_norm);
    // By finite differences of each element, of the small ones.
    if (weights.size() > 60) continue;
    double squares = 0;
    for (int64_t i = 0; i < weights.size(); ++i) {
      std::array<double, 2> losses{};
      for (size_t side = 0; side < 2; ++side) {
        Tensor unit = Tensor::Zeros(DType::kF32, weights.dims()).value();
        unit.mutable_values<float>()[static_cast<size_t>(i)] = 1;
        const std::array directions = {TensorMap{{p.parameter, unit}}};
        const Model moved = *Moved(model, directions, std::array{side == 0 ? 0.02 : -0.02});
        losses[side] = (*Session::Create(moved))->Evaluate(data)->loss();
      }
      const double slope = (losses[0] - losses[1]) / 0.04;
      squares += slope * slope;
    }
    EXPECT_NEAR(p.gradient_norm, std::sqrt(squares), 0.01 * p.gradient_norm) << p.parameter;
  }
}

TEST(GradientStatistics, NoWeightChangesFromBatchToBatch) {
  const Model model = PlainNet();
  const auto data = *OpenDataset("digits:100", Split::kTest);
  const auto many = *GradientStatistics(model, data, {.examples = 0, .batch_size = 4});
  const auto again = *GradientStatistics(model, data, {.examples = 0, .batch_size = 20});
  for (size_t i = 0; i < many.size(); ++i) {
    EXPECT_EQ(many[i].gradients.count(), 5 * again[i].gradients.count());
    // Means of batches of one size have the mean of all.
    EXPECT_NEAR(many[i].gradients.mean(), again[i].gradients.mean(), 1e-7);
    EXPECT_GE(many[i].gradient_norm, again[i].gradient_norm);  // by the triangle inequality
  }
}

// An example that is no number makes gradients that are none, of its batch alone.
TEST(GradientStatistics, ABatchWithoutFiniteGradientsLeavesTheOthers) {
  Builder b({.seed = 4});
  b.Output("scores", b.Linear(b.Input("x", {"N", 2}), {.features = 10, .name = "fc"}));
  const Model model = b.Build().value();
  const auto statistics = [&](std::vector<float> x) {
    Features three{.values = Tensor::FromValues<float>({3, 2}, x).value(),
                   .labels = Tensor::FromInts(std::array<int64_t, 3>{0, 1, 2})};
    const std::shared_ptr<const Dataset> data =
        FeatureDataset(std::move(three), **OpenDataset("digits:10", Split::kTest));
    return (*GradientStatistics(model, data, {.batch_size = 1}))[0];
  };
  const ParameterStatistics broken = statistics({INFINITY, 1, 2, -1, 0.5, 3});
  EXPECT_EQ(broken.gradients.nan() + broken.gradients.infinite(), 20);
  // Of the other two, as if the first said nothing.
  const ParameterStatistics sound = statistics({0, 0, 2, -1, 0.5, 3});
  EXPECT_EQ(broken.gradients.count(), sound.gradients.count());
  EXPECT_EQ(broken.gradients.low(), sound.gradients.low());
  EXPECT_EQ(broken.gradients.high(), sound.gradients.high());
}

TEST(GradientStatistics, SaysWhatIsWrong) {
  const auto data = *OpenDataset("digits:100", Split::kTest);
  EXPECT_FALSE(GradientStatistics(PlainNet(), data, {.batch_size = 0}).ok());
  const Model optimized(*OptimizedForInference(PlainNet().graph));
  EXPECT_FALSE(GradientStatistics(optimized, data).ok());
}

std::string GradientsOf(const std::string& name) {
  const auto all = *GradientStatistics(GoldenModel(name), GoldenData(name), {.examples = 128});
  std::vector<NamedHistogram> histograms;
  for (size_t i = 0; i < std::min<size_t>(all.size(), 4); ++i) {
    histograms.push_back({all[i].parameter, "weights", all[i].weights.histogram()});
    histograms.push_back({all[i].parameter, "gradients", all[i].gradients.histogram()});
  }
  return HistogramsSvg(histograms, {.title = "Weights and gradients"});
}

TEST(GradientStatistics, GoldenOfDigits) {
  ExpectGoldenSvg(GradientsOf("digits"), "gradients_digits");
}

TEST(GradientStatistics, GoldenOfPhotographs) {
  if (!HasSharedCifar()) GTEST_SKIP() << "there is no " << SharedCifar();
  ExpectGoldenSvg(GradientsOf("cifar"), "gradients_cifar");
}

using GradientsCli = Cli;

TEST_F(GradientsCli, WriteTablesAndHistograms) {
  const std::string inspect =
      "inspect " + GoldenFolder() + "/digits.weft gradients --data digits:50 ";
  EXPECT_THAT(Output(inspect), HasSubstr("gradient_norm"));
  Output(inspect + "-o g.csv");
  EXPECT_THAT(ReadText(Path("g.csv")), HasSubstr("parameter,elements,weight_norm,"));
  Output(inspect + "-o g.json");
  EXPECT_THAT(ReadText(Path("g.json")), HasSubstr("\"gradients\""));
  Output(inspect + "-o g.svg");
  EXPECT_THAT(ReadText(Path("g.svg")), HasSubstr("gradients, norm"));
  EXPECT_THAT(Error(inspect + "-o g.png"), HasSubstr(".csv or .json or .svg"));
  EXPECT_THAT(Error(inspect + "--batch 0"), HasSubstr("batch"));
}

}  // namespace
}  // namespace weft
