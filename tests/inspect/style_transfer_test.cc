#include "frontend/inspect/units/style_transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "frontend/build/builder.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/planes.h"
#include "frontend/io/resample.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Picture StyleExample(const std::string& name, int64_t index) {
  return *ExampleOf(*GoldenData(name), index)->picture;
}

// Diagonal stripes.
Picture Stripes(int64_t height, int64_t width) {
  Picture picture{.height = height, .width = width, .channels = 1};
  for (int64_t i = 0; i < height * width; ++i) {
    picture.pixels.push_back((i / width + i % width) / 3 % 2 == 0 ? 230 : 20);
  }
  return picture;
}

// The Gram matrix of a layer, by its definition.
std::vector<double> GramOf(const Model& model, const std::string& at, const Tensor& x) {
  const auto probe = Probe::Create(model, {.at = {at}, .towards = {}}).value();
  const Tensor maps = (*probe->Values(x))[0];
  const int64_t channels = maps.dims()[1], area = maps.size() / channels;
  std::vector<double> gram;
  for (int64_t i = 0; i < channels; ++i) {
    for (int64_t j = 0; j < channels; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < area; ++p) sum += maps.At(i * area + p) * maps.At(j * area + p);
      gram.push_back(sum / static_cast<double>(area));
    }
  }
  return gram;
}

double RelativeDifference(const std::vector<double>& a, const std::vector<double>& b) {
  double difference = 0, whole = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    whole += b[i] * b[i];
  }
  return difference / whole;
}

TEST(StyleTransfer, TheGramMatricesComeNearTheStyles) {
  const Model model = GoldenModel("digits");
  const Picture content = StyleExample("digits", 0), style = Stripes(28, 28);
  const auto result = TransferStyle(model, content, style, {.style_weight = 100});
  ASSERT_TRUE(result.ok()) << result.status();
  const Preprocessing form = *model.preprocessing;
  const Tensor of_content = *InputOfPicture(content, form), of_style = *InputOfPicture(style, form);
  int styles = 0;
  for (const StyleTerm& term : result->terms) {
    if (!term.is_style) continue;
    ++styles;
    EXPECT_LT(term.after, 0.1 * term.before) << term.layer;
    const std::vector<double> wanted = GramOf(model, term.layer, of_style);
    EXPECT_NEAR(RelativeDifference(GramOf(model, term.layer, of_content), wanted), term.before,
                1e-3 * term.before);
    EXPECT_NEAR(RelativeDifference(GramOf(model, term.layer, result->x), wanted), term.after,
                1e-2 * term.after);
  }
  EXPECT_EQ(styles, 2);
}

TEST(StyleTransfer, WithoutStyleTheContentStays) {
  const Picture content = StyleExample("digits", 0);
  StyleOptions options = {.style_weight = 0, .from_noise = true};
  options.ascent.total_variation = 0;
  const auto result = TransferStyle(GoldenModel("digits"), content, Stripes(28, 28), options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LT(result->terms[0].after, 0.01);
  EXPECT_EQ(result->terms[0].before, 0);
}

TEST(StyleTransfer, ThePicturesMayHaveAnySize) {
  const Picture content = Resample(StyleExample("digits", 4), 36, 44);
  StyleOptions options;
  options.ascent.steps = 20;
  const auto result = TransferStyle(GoldenModel("digits"), content, Stripes(50, 30), options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->picture.height, 36);
  EXPECT_EQ(result->picture.width, 44);
}

TEST(StyleTransfer, LayersAreTheLastActivationsOfEachSize) {
  const StyleLayers digits = *DefaultStyleLayers(GoldenModel("digits"));
  EXPECT_THAT(digits.style, ElementsAre("block1.relu", "block2.relu"));
  EXPECT_EQ(digits.content, "block1.relu");
}

TEST(StyleTransfer, TheSameSeedGivesTheSameBits) {
  StyleOptions options = {.from_noise = true};
  options.ascent.steps = 10;
  options.ascent.seed = 3;
  const Model model = GoldenModel("digits");
  const Picture content = StyleExample("digits", 1), style = Stripes(28, 28);
  const Tensor x = TransferStyle(model, content, style, options)->x;
  EXPECT_EQ(x, TransferStyle(model, content, style, options)->x);
  options.ascent.seed = 4;
  EXPECT_NE(x, TransferStyle(model, content, style, options)->x);
}

TEST(StyleTransfer, DigitsAsAPicture) {
  const Picture content = Resample(StyleExample("digits", 0), 84, 84), style = Stripes(84, 84);
  const auto result = TransferStyle(GoldenModel("digits"), content, style);
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectGoldenPicture(SideBySide({{content, style, result->picture}}), "style_digits", 4);
}

TEST(StyleTransfer, CifarAsAPicture) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  const Picture content = Resample(StyleExample("cifar", 3), 64, 64);
  const Picture style = Resample(StyleExample("cifar", 1200), 64, 64);
  const auto result = TransferStyle(GoldenModel("cifar"), content, style);
  ASSERT_TRUE(result.ok()) << result.status();
  for (const StyleTerm& term : result->terms) {
    if (!term.is_style) continue;
    EXPECT_LT(term.after, 0.2 * term.before) << term.layer;
  }
  ExpectGoldenPicture(SideBySide({{content, style, result->picture}}), "style_cifar", 6);
}

TEST(StyleTransfer, AnyActivationIsALayerForStyle) {
  Builder b;
  Value h = b.Input("x", {"N", 3, 16, 16});
  h = b.Silu(b.Conv2d(h, {.channels = 2, .kernel = 3}), {.name = "silu"});
  h = b.Tanh(b.Conv2d(h, {.channels = 2, .kernel = 3}), {.name = "tanh"});
  h = b.Op("Celu", {b.Conv2d(h, {.channels = 2, .kernel = 3})});
  b.Output("y", h);
  Model model = b.Build().value();
  model.preprocessing = Preprocessing{.channels = 3,
                                      .height = 16,
                                      .width = 16,
                                      .channel_order = "rgb",
                                      .mean = {0, 0, 0},
                                      .std = {1, 1, 1}};
  const auto layers = DefaultStyleLayers(model);
  ASSERT_TRUE(layers.ok()) << layers.status();
  EXPECT_THAT(layers->style, ElementsAre("silu", "tanh", h.node->name()));
  EXPECT_EQ(layers->content, "tanh");
}

TEST(StyleTransfer, LayersOfWeight0AreLeftOut) {
  const Picture picture = StyleExample("digits", 0);
  StyleOptions options = {.content_layers = {"block2.relu"}, .content_weight = 0};
  options.ascent.steps = 2;
  // Maps of zeros, to which nothing is near: an error where they count.
  Picture black = picture;
  std::ranges::fill(black.pixels, uint8_t{0});
  const auto result = TransferStyle(GoldenModel("digits"), black, picture, options);
  ASSERT_TRUE(result.ok()) << result.status();
  for (const StyleTerm& term : result->terms) EXPECT_TRUE(term.is_style) << term.layer;
  options.content_layers = {"fc1"};  // no maps are asked of it
  EXPECT_TRUE(TransferStyle(GoldenModel("digits"), picture, Stripes(28, 28), options).ok());
}

TEST(StyleTransfer, SaysWhatDoesNotFit) {
  const Model model = GoldenModel("digits");
  const Picture picture = StyleExample("digits", 0);
  const auto error = [&](const StyleOptions& options, const Picture& style) {
    return std::string(TransferStyle(model, picture, style, options).status().message());
  };
  EXPECT_THAT(error({.content_weight = -1}, picture), HasSubstr("expected weights of 0 or more"));
  EXPECT_THAT(error({.content_weight = 0, .style_weight = 0}, picture), HasSubstr("one above 0"));
  EXPECT_THAT(error({.style_layers = {"fc1"}}, picture),
              HasSubstr("fc1: expected maps [N,C,H,W], got f32[N,128]"));
  EXPECT_THAT(error({}, {}), HasSubstr("expected a size above 0"));
}

}  // namespace
}  // namespace weft
