#include "frontend/inspect/units/maximize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "frontend/train/finetune_features.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Hundreds of steps make much of the last bits: graphs without the optimizing passes give pictures
// that differ by up to 5.5 levels in the mean, other seeds by 30.
constexpr double kAscentTolerance = 12;

// The activation of each channel that is highest of a data set: of its mean over places, or at one.
std::vector<double> HighestOf(const std::string& name, const UnitLayer& layer) {
  const Model model = GoldenModel(name);
  const std::string at = layer.at.empty() ? ScoresOf(model.graph)->node->name() : layer.at;
  const Features features = *ComputeFeatures(model, GoldenData(name), {.at = at});
  const Dims& d = features.values.dims();
  const int64_t area = features.values.size() / (d[0] * d[1]);
  std::vector<double> highest(static_cast<size_t>(d[1]), -1e300);
  for (int64_t i = 0; i < d[0] * d[1]; ++i) {
    double activation = 0;
    if (layer.place) {
      activation = features.values.At(i * area + (*layer.place)[0] * d[3] + (*layer.place)[1]);
    } else {
      for (int64_t p = 0; p < area; ++p) activation += features.values.At(i * area + p);
      activation /= static_cast<double>(area);
    }
    double& most = highest[static_cast<size_t>(i % d[1])];
    most = std::max(most, activation);
  }
  return highest;
}

std::vector<UnitPicture> Maximized(const std::string& name, const UnitLayer& layer,
                                   std::span<const int64_t> channels,
                                   const AscentOptions& options = {}) {
  auto pictures = MaximizeUnits(GoldenModel(name), layer, channels, options);
  EXPECT_TRUE(pictures.ok()) << pictures.status();
  return *std::move(pictures);
}

void ExpectAboveAllExamples(const std::string& name, const UnitLayer& layer,
                            std::span<const UnitPicture> pictures) {
  const std::vector<double> highest = HighestOf(name, layer);
  for (const UnitPicture& p : pictures) {
    EXPECT_GT(p.activation, highest[static_cast<size_t>(p.channel)]) << p.channel;
  }
}

std::vector<UnitPicture> Prototypes(const std::string& name, AscentOptions options = {}) {
  options.jitter = 2;
  auto pictures = ClassPrototypes(GoldenModel(name), options);
  EXPECT_TRUE(pictures.ok()) << pictures.status();
  return *std::move(pictures);
}

TEST(Maximize, DigitsChannelsExceedEveryExample) {
  std::vector<int64_t> channels(32);  // some of them are off where the ascent begins
  std::iota(channels.begin(), channels.end(), 0);
  for (const UnitLayer& layer :
       {UnitLayer{.at = "block2.relu"}, UnitLayer{.at = "block2.relu", .place = {{6, 8}}}}) {
    ExpectAboveAllExamples("digits", layer, Maximized("digits", layer, channels));
  }
}

TEST(Maximize, PixelsDoToo) {
  const std::array<int64_t, 2> channels = {1, 4};
  const UnitLayer layer{.at = "block2.relu"};
  const AscentOptions pixels = {.steps = 200,
                                .rate = 0.02,
                                .parameters = PictureParameters::kPixels,
                                .decay = 0.01,
                                .total_variation = 0.01,
                                .blur_every = 10,
                                .jitter = 1};
  ExpectAboveAllExamples("digits", layer, Maximized("digits", layer, channels, pixels));
}

TEST(Maximize, DigitsPrototypesExceedEveryExample) {
  const auto prototypes = Prototypes("digits");
  ASSERT_EQ(prototypes.size(), 10u);
  ExpectAboveAllExamples("digits", {}, prototypes);
  const auto sheet = UnitSheet(GoldenModel("digits"), {}, prototypes);
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  ExpectGoldenPicture(*sheet, "prototypes_digits", kAscentTolerance);
}

TEST(Maximize, CifarExceedsEveryExample) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  const auto prototypes = Prototypes("cifar");
  ExpectAboveAllExamples("cifar", {}, prototypes);
  const auto sheet = UnitSheet(GoldenModel("cifar"), {}, prototypes);
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  ExpectGoldenPicture(*sheet, "prototypes_cifar", kAscentTolerance);
}

TEST(Maximize, DigitsAsAPicture) {
  std::vector<int64_t> channels(10);
  std::iota(channels.begin(), channels.end(), 0);
  const UnitLayer layer{.at = "block2.relu", .place = {{7, 7}}};
  const auto pictures = Maximized("digits", layer, channels, {.decay = 0.5});
  ExpectGoldenPicture(*UnitSheet(GoldenModel("digits"), layer, pictures), "maximize_digits",
                      kAscentTolerance);
}

TEST(Maximize, CifarAsAPicture) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  std::vector<int64_t> channels(10);
  std::iota(channels.begin(), channels.end(), 0);
  const UnitLayer layer{.at = "layer2.0.relu2"};
  const auto pictures = Maximized("cifar", layer, channels, {.jitter = 2});
  ExpectAboveAllExamples("cifar", layer, pictures);
  ExpectGoldenPicture(*UnitSheet(GoldenModel("cifar"), layer, pictures), "maximize_cifar",
                      kAscentTolerance);
}

TEST(Maximize, TheSameSeedGivesTheSameBits) {
  const std::array<int64_t, 2> channels = {2, 3};
  const UnitLayer layer{.at = "block1.relu"};
  AscentOptions options = {.steps = 15, .jitter = 3, .seed = 4};
  options.session.threads = 2;
  const auto a = Maximized("digits", layer, channels, options);
  const auto b = Maximized("digits", layer, channels, options);
  EXPECT_EQ(a[0].x, b[0].x);
  EXPECT_EQ(a[1].x, b[1].x);
  options.seed = 5;
  EXPECT_NE(a[0].x, Maximized("digits", layer, channels, options)[0].x);
}

TEST(Maximize, PicturesInBatchesAreThoseAlone) {
  const std::array<int64_t, 3> channels = {2, 3, 5};
  const UnitLayer layer{.at = "block1.relu"};
  const AscentOptions options = {.steps = 10};
  const Model model = GoldenModel("digits");
  const auto together = *MaximizeUnits(model, layer, channels, options, 16);
  const auto alone = *MaximizeUnits(model, layer, channels, options, 1);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(together[i].activation, alone[i].activation, 1e-3 * alone[i].activation);
  }
}

TEST(Maximize, SaysWhatDoesNotFit) {
  const Model model = GoldenModel("digits");
  const auto error = [&](const UnitLayer& layer, int64_t channel) {
    const std::array<int64_t, 1> channels = {channel};
    return std::string(MaximizeUnits(model, layer, channels).status().message());
  };
  EXPECT_THAT(error({.at = "block2.rely"}, 0), HasSubstr("did you mean block2.relu?"));
  EXPECT_THAT(error({.at = "block2.relu"}, 32), HasSubstr("expected a channel from 0 to 31"));
  EXPECT_THAT(error({}, 10), HasSubstr("scores: expected a channel from 0 to 9, got 10"));
  EXPECT_THAT(error({.at = "block2.relu", .place = {{14, 0}}}, 0),
              HasSubstr("expected a place in f32[N,32,14,14], got 14,0"));
  EXPECT_THAT(error({.at = "", .place = {{0, 0}}}, 0), HasSubstr("expected a layer f32[N,C,H,W]"));
}

}  // namespace
}  // namespace weft
