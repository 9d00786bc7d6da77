#include "frontend/inspect/units/inversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/inspect/example.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/probe.h"
#include "frontend/session/session.h"
#include "graph/bind.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

InversionResult Inverted(const std::string& name, const std::string& at, int64_t index) {
  auto result =
      InvertFeatures(GoldenModel(name), ExampleOf(*GoldenData(name), index)->x, {.at = at});
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

// A layer's activations for one input, computed by a session of what stands before it.
Tensor ActivationsOf(const Model& model, const std::string& at, const Tensor& x) {
  Model prefix(WithoutLosses(model.graph));
  const Value scores = ScoresOf(prefix.graph).value();
  const Value layer = at.empty() ? scores : prefix.graph.Find(at)->output();
  prefix.graph.ClearOutputs();
  EXPECT_TRUE(prefix.graph.AddOutput("layer", layer).ok());
  prefix.graph.RemoveDeadNodes();
  return *Session::Create(prefix).value()->Run(x);
}

// |a - b|^2 / |b|^2
double RelativeSquare(const Tensor& a, const Tensor& b) {
  double difference = 0, whole = 0;
  for (int64_t i = 0; i < b.size(); ++i) {
    difference += (a.At(i) - b.At(i)) * (a.At(i) - b.At(i));
    whole += b.At(i) * b.At(i);
  }
  return difference / whole;
}

// The root of the mean squared difference of levels in [0,1].
double LevelError(const Picture& a, const Picture& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const double d = (static_cast<double>(a.pixels[i]) - b.pixels[i]) / 255;
    sum += d * d;
  }
  return std::sqrt(sum / static_cast<double>(a.pixels.size()));
}

// The example, and what the layers know of it.
void ExpectLessFromDeeperLayers(const std::string& name, std::span<const std::string> layers,
                                int64_t index) {
  const Model model = GoldenModel(name);
  const Example example = *ExampleOf(*GoldenData(name), index);
  const Tensor& x = example.x;
  const Picture& picture = *example.picture;
  std::vector<Picture> pictures = {Enlarged(picture, 2)};
  double last = 0;
  for (const std::string& at : layers) {
    const InversionResult result = Inverted(name, at, index);
    EXPECT_NEAR(result.feature_error,
                RelativeSquare(ActivationsOf(model, at, result.x), ActivationsOf(model, at, x)),
                1e-4)
        << at;
    // Pixels are whole levels.
    EXPECT_NEAR(result.picture_error, LevelError(result.picture, picture), 1.0 / 255) << at;
    EXPECT_GT(result.picture_error, last) << at;
    EXPECT_LT(result.feature_error, 0.1) << at;
    last = result.picture_error;
    pictures.push_back(Enlarged(result.picture, 2));
  }
  ExpectGoldenPicture(SideBySide(pictures), "invert_" + name, 6);
}

TEST(Inversion, DigitsShallowLayersKnowMore) {
  const std::string layers[] = {"block1.relu", "block2.relu", ""};
  ExpectLessFromDeeperLayers("digits", layers, 0);
}

TEST(Inversion, CifarShallowLayersKnowMore) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  const std::string layers[] = {"relu1", "layer2.0.relu2", ""};
  ExpectLessFromDeeperLayers("cifar", layers, 5);
}

TEST(Inversion, TheSameSeedGivesTheSameBits) {
  const Model model = GoldenModel("digits");
  const Tensor x = ExampleOf(*GoldenData("digits"), 3)->x;
  InversionOptions options = {.at = "block1.relu"};
  options.ascent.steps = 10;
  options.ascent.seed = 6;
  const Tensor found = InvertFeatures(model, x, options)->x;
  EXPECT_EQ(found, InvertFeatures(model, x, options)->x);
  options.ascent.seed = 7;
  EXPECT_NE(found, InvertFeatures(model, x, options)->x);
}

TEST(Inversion, SaysWhatDoesNotFit) {
  const Model model = GoldenModel("digits");
  const Tensor small = *Tensor::Zeros(DType::kF32, {1, 1, 3, 3});
  EXPECT_THAT(InvertFeatures(model, small).status().message(),
              HasSubstr("expected one picture f32[1,1,28,28], got f32[1,1,3,3]"));
  const Tensor x = ExampleOf(*GoldenData("digits"), 3)->x;
  EXPECT_THAT(InvertFeatures(model, x, {.at = "nothing"}).status().message(),
              HasSubstr("no node is called nothing"));
}

}  // namespace
}  // namespace weft
