#include "frontend/inspect/units/deep_dream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "frontend/inspect/example.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/planes.h"
#include "frontend/inspect/units/model_of_size.h"
#include "frontend/io/resample.h"
#include "frontend/session/session.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Picture ExamplePicture(const std::string& name, int64_t index) {
  return *ExampleOf(*GoldenData(name), index)->picture;
}

// A convolution does not care where the picture ends, further away than it sees.
TEST(ModelOfSize, ALargerPictureHasTheSameMapsInside) {
  const Model model = GoldenModel("digits");
  const std::array<std::string, 1> at = {"block2.relu"};
  const auto large = ModelOfSize(model, at, 40, 44);
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_EQ(large->preprocessing->height, 40);
  const Tensor x = ExampleOf(*GoldenData("digits"), 0)->x;
  Tensor padded = *Tensor::Zeros(DType::kF32, {1, 1, 40, 44});
  for (int64_t i = 0; i < x.size(); ++i) {
    padded.mutable_values<float>()[static_cast<size_t>(i / 28 * 44 + i % 28)] =
        static_cast<float>(x.At(i));
  }
  const Tensor small =
      (*Probe::Create(model, {.at = {at[0]}, .towards = {}}).value()->Values(x))[0];
  const Tensor maps =
      (*Probe::Create(*large, {.at = {at[0]}, .towards = {}}).value()->Values(padded))[0];
  ASSERT_EQ(maps.dims(), (Dims{1, 32, 20, 22}));
  for (int64_t c = 0; c < 32; ++c) {
    for (int64_t row = 0; row < 12; ++row) {
      for (int64_t column = 0; column < 12; ++column) {
        EXPECT_NEAR(maps.At((c * 20 + row) * 22 + column), small.At((c * 14 + row) * 14 + column),
                    1e-4);
      }
    }
  }
}

TEST(ModelOfSize, NamesTheNodeThatIsNotConvolutional) {
  const Model model = GoldenModel("digits");
  const std::array<std::string, 1> scores = {ScoresOf(model.graph)->node->name()};
  const std::string error(ModelOfSize(model, scores, 40, 40).status().message());
  EXPECT_THAT(error, HasSubstr("for pictures of 40x40: "));
  EXPECT_THAT(error, HasSubstr("fc1 (Gemm): expected inner extents"));
}

// Half the mean square of a layer's activations, or the mean of a channel, by a session of what
// stands before it in a model of that size.
double ExcitementOf(const Model& model, const std::string& at, std::optional<int64_t> channel,
                    const Tensor& x) {
  const std::array<std::string, 1> layers = {at};
  Model sized = ModelOfSize(model, layers, x.dims()[2], x.dims()[3]).value();
  const Value layer = sized.graph.Find(at)->output();
  sized.graph.ClearOutputs();
  EXPECT_TRUE(sized.graph.AddOutput("layer", layer).ok());
  sized.graph.RemoveDeadNodes();
  const Tensor maps = *Session::Create(sized).value()->Run(x);
  const int64_t area = maps.dims()[2] * maps.dims()[3];
  double sum = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < maps.size(); ++i) {
    if (channel && i / area != *channel) continue;
    sum += channel ? maps.At(i) : maps.At(i) * maps.At(i) / 2;
    ++count;
  }
  return sum / static_cast<double>(count);
}

TEST(DeepDream, MakesMoreOfALayer) {
  const Model model = GoldenModel("digits");
  const Picture picture = ExamplePicture("digits", 0);
  const Picture large = Resample(picture, 56, 64);
  for (const std::optional<int64_t> channel :
       {std::optional<int64_t>(), std::optional<int64_t>(3)}) {
    const auto dream = DeepDream(model, large, {.at = "block2.relu", .channel = channel});
    ASSERT_TRUE(dream.ok()) << dream.status();
    EXPECT_EQ(dream->picture.height, 56);
    EXPECT_EQ(dream->picture.width, 64);
    EXPECT_GT(dream->after, 1.5 * dream->before);
    const double after = ExcitementOf(model, "block2.relu", channel, dream->x);
    EXPECT_NEAR(dream->after, after, 1e-4 * after);
  }
}

TEST(DeepDream, TheSameSeedGivesTheSameBits) {
  const Model model = GoldenModel("digits");
  const Picture picture = ExamplePicture("digits", 2);
  DeepDreamOptions options = {.at = "block1.relu", .octaves = 2};
  const Tensor x = DeepDream(model, picture, options)->x;
  EXPECT_EQ(x, DeepDream(model, picture, options)->x);
  options.ascent.seed = 1;
  EXPECT_NE(x, DeepDream(model, picture, options)->x);
}

TEST(DeepDream, DigitsAsAPicture) {
  const Picture picture = Resample(ExamplePicture("digits", 0), 112, 112);
  DeepDreamOptions options = {.at = "block2.relu"};
  options.ascent.rate = 0.03;
  const auto dream = DeepDream(GoldenModel("digits"), picture, options);
  ASSERT_TRUE(dream.ok()) << dream.status();
  ExpectGoldenPicture(SideBySide({{picture, dream->picture}}), "deepdream_digits", 4);
}

TEST(DeepDream, CifarAsAPicture) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  const Picture picture = Resample(ExamplePicture("cifar", 0), 128, 128);
  DeepDreamOptions options = {.at = "layer3.0.relu2"};
  const auto dream = DeepDream(GoldenModel("cifar"), picture, options);
  ASSERT_TRUE(dream.ok()) << dream.status();
  EXPECT_GT(dream->after, 2 * dream->before);
  ExpectGoldenPicture(SideBySide({{picture, dream->picture}}), "deepdream_cifar", 6);
}

TEST(DeepDream, SaysWhatDoesNotFit) {
  const Model model = GoldenModel("digits");
  const Picture picture = ExamplePicture("digits", 0);
  const auto error = [&](const DeepDreamOptions& options) {
    return std::string(DeepDream(model, picture, options).status().message());
  };
  EXPECT_THAT(error({.at = "block1.relu", .octaves = 0}), HasSubstr("octaves: expected 1 to 32"));
  EXPECT_THAT(error({.at = "block1.relu", .octave_scale = 1}), HasSubstr("octave scale"));
  EXPECT_THAT(error({.at = "block1.relu", .channel = 16}),
              HasSubstr("expected a channel of f32[N,16,"));
  EXPECT_THAT(error({.at = "none"}), HasSubstr("no node is called none"));
}

}  // namespace
}  // namespace weft
