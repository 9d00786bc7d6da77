#include "frontend/inspect/units/top_patches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "frontend/build/builder.h"
#include "frontend/data/random.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/probe.h"
#include "frontend/train/finetune_features.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr char kDigitsLayer[] = "block2.relu";
// Patches of nearly the same activation may change places where kernels differ.
constexpr double kSheetTolerance = 4;

std::vector<UnitPatches> DigitPatches(std::span<const int64_t> channels, int64_t count,
                                      int64_t batch_size = 64) {
  auto found = TopPatches(GoldenModel("digits"), GoldenData("digits"), kDigitsLayer, channels,
                          {.count = count, .batch_size = batch_size});
  EXPECT_TRUE(found.ok()) << found.status();
  return *std::move(found);
}

// The examples' best activations, sorted, from features that another part of Weft computes.
TEST(TopPatches, AreTheBestOfAllExamples) {
  const Features features =
      *ComputeFeatures(GoldenModel("digits"), GoldenData("digits"), {.at = kDigitsLayer});
  const Dims& dims = features.values.dims();
  const std::array<int64_t, 2> channels = {3, 20};
  const std::vector<UnitPatches> found = DigitPatches(channels, 7);
  ASSERT_EQ(found.size(), 2u);
  for (const UnitPatches& unit : found) {
    std::vector<float> best;
    for (int64_t n = 0; n < dims[0]; ++n) {
      const auto map = features.values.values<float>().subspan(
          static_cast<size_t>((n * dims[1] + unit.channel) * dims[2] * dims[3]),
          static_cast<size_t>(dims[2] * dims[3]));
      best.push_back(*std::ranges::max_element(map));
    }
    std::ranges::sort(best, std::greater());
    ASSERT_EQ(unit.patches.size(), 7u);
    for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(unit.patches[i].activation, best[i], 1e-4) << i;
  }
}

TEST(TopPatches, DoNotDependOnTheBatch) {
  const std::array<int64_t, 2> channels = {0, 9};
  const auto a = DigitPatches(channels, 5, 64), b = DigitPatches(channels, 5, 37);
  for (size_t u = 0; u < a.size(); ++u) {
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(a[u].patches[i].activation, b[u].patches[i].activation, 1e-4);
    }
  }
}

// The definition of a receptive field: all else of the picture may be anything.
TEST(TopPatches, ThePatchAloneGivesTheActivation) {
  const Model model = GoldenModel("digits");
  const auto data = GoldenData("digits");
  std::vector<int64_t> channels(6);
  std::iota(channels.begin(), channels.end(), 0);
  const auto probe = Probe::Create(model, {.at = {kDigitsLayer}, .towards = {}}).value();
  for (const UnitPatches& unit : DigitPatches(channels, 4)) {
    for (const Patch& patch : unit.patches) {
      const Tensor x = ExampleOf(*data, patch.example)->x;
      Tensor alone = x;
      RandomStream random(5, RandomPurpose::kPatterns, 0);
      const std::span<float> values = alone.mutable_values<float>();
      const int64_t width = x.dims()[3];
      int64_t replaced = 0;
      for (int64_t i = 0; i < x.size(); ++i) {
        const int64_t down = i / width - patch.field.top, right = i % width - patch.field.left;
        const bool inside =
            down >= 0 && down < patch.field.height && right >= 0 && right < patch.field.width;
        const float other = random.Uniform(-2, 2);
        if (!inside) values[static_cast<size_t>(i)] = other;
        replaced += !inside;
      }
      EXPECT_GT(replaced, 0);
      const Tensor maps = (*probe->Values(alone))[0];
      const int64_t at =
          (unit.channel * maps.dims()[2] + patch.row) * maps.dims()[3] + patch.column;
      EXPECT_NEAR(maps.At(at), patch.activation, 1e-4);
    }
  }
}

// 3x3 filters behind 2x2 pooling behind 3x3 filters: 3 + 2 * (1 + ... ) = 8 pixels, every 2.
TEST(TopPatches, FieldsBeyondThePictureAreGray) {
  std::vector<int64_t> channels(32);
  std::iota(channels.begin(), channels.end(), 0);
  bool any = false;
  for (const UnitPatches& unit : DigitPatches(channels, 3)) {
    for (const Patch& p : unit.patches) {
      EXPECT_EQ(p.field.height, 8);
      EXPECT_EQ(p.field.top, 2 * p.row - 3);
      EXPECT_EQ(p.field.left, 2 * p.column - 3);
      ASSERT_EQ(p.picture.height, p.field.height);
      if (p.field.top >= 0 && p.field.left >= 0) continue;
      any = true;
      EXPECT_EQ(p.picture.pixels[0], 128);
    }
  }
  EXPECT_TRUE(any) << "no field lies partly outside";
}

TEST(TopPatches, ScoresHaveTheWholePicture) {
  const std::array<int64_t, 1> seven = {7};
  const auto found =
      TopPatches(GoldenModel("digits"), GoldenData("digits"), "", seven, {.count = 3});
  ASSERT_TRUE(found.ok()) << found.status();
  const Example best = *ExampleOf(*GoldenData("digits"), (*found)[0].patches[0].example);
  EXPECT_EQ((*found)[0].patches[0].picture, *best.picture);
  EXPECT_EQ(best.label, 7);
}

TEST(TopPatches, DigitsAsAPicture) {
  const std::array<int64_t, 6> channels = {0, 1, 2, 3, 4, 5};
  const auto sheet = PatchSheet(DigitPatches(channels, 8));
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  ExpectGoldenPicture(*sheet, "patches_digits", kSheetTolerance);
}

TEST(TopPatches, CifarAsAPicture) {
  if (!HasSharedCifar()) GTEST_SKIP() << "no ../shared/data/cifar10-jpeg";
  const std::array<int64_t, 4> channels = {0, 1, 2, 3};
  const auto found = TopPatches(GoldenModel("cifar"), GoldenData("cifar"), "layer2.0.relu2",
                                channels, {.count = 6});
  ASSERT_TRUE(found.ok()) << found.status();
  const auto sheet = PatchSheet(*found);
  ASSERT_TRUE(sheet.ok()) << sheet.status();
  ExpectGoldenPicture(*sheet, "patches_cifar", kSheetTolerance);
}

TEST(TopPatches, SaysWhatDoesNotFit) {
  const auto error = [](const std::string& at, int64_t channel, int64_t count) {
    const std::array<int64_t, 1> channels = {channel};
    return std::string(
        TopPatches(GoldenModel("digits"), GoldenData("digits"), at, channels, {.count = count})
            .status()
            .message());
  };
  EXPECT_THAT(error("block3.relu", 0, 1), HasSubstr("no node is called block3.relu"));
  EXPECT_THAT(error(kDigitsLayer, 32, 1), HasSubstr("expected a channel from 0 to 31, got 32"));
  EXPECT_THAT(error(kDigitsLayer, 0, 0), HasSubstr("a count and a batch of 1 or more"));
}

// Patches of channel 0 of what `layer` makes of digits.
absl::Status PatchesOf(const std::function<Value(Builder&, Value)>& layer) {
  Builder b;
  b.Output("y", layer(b, b.Input("x", {"N", 1, 28, 28})));
  const Model model = b.Build().value();
  const std::array<int64_t, 1> channels = {0};
  return TopPatches(model, GoldenData("digits"), "", channels, {.count = 2}).status();
}

TEST(TopPatches, RefuseLayersThatAreNotOfTheExamples) {
  const Model model = GoldenModel("digits");
  const std::array<int64_t, 1> channels = {0};
  int weights = 0;
  for (const Node& node : model.graph.nodes()) {
    if (node.num_inputs() > 0 || node.type().rank() != 4 || node.op_name() == kInput) continue;
    ++weights;
    const auto found = TopPatches(model, GoldenData("digits"), node.name(), channels);
    EXPECT_THAT(found.status().message(), HasSubstr("expected a node that depends on the input"))
        << node.name();
  }
  EXPECT_GT(weights, 0);
  const auto mean_over_examples = [](Builder& b, Value x) {
    return b.ReduceMean(b.Flatten(x), {.axes = {0}, .keep_dims = true});
  };
  EXPECT_THAT(PatchesOf(mean_over_examples).message(),
              HasSubstr("expected a layer [64,C,...] of a batch of that many, got f32[1,784]"));
}

TEST(TopPatches, RefuseUnitsThatAreNowhere) {
  const auto renamed = [](Builder& b, Value x) {
    return b.Op(
        "Reshape",
        {b.Flatten(x),
         b.Constant(
             Tensor::FromValues<int64_t>({4}, std::array<int64_t, 4>{-1, 4, 14, 14}).value())});
  };
  EXPECT_FALSE(PatchesOf(renamed).ok());
}

// The logarithm of what is below 0, which most pixels of a digit are.
TEST(TopPatches, NumbersThatAreNoneAreErrors) {
  const auto logarithm = [](Builder& b, Value x) { return b.Op("Log", {x}); };
  EXPECT_THAT(PatchesOf(logarithm).message(), HasSubstr("patches: unit 0 is "));
}

}  // namespace
}  // namespace weft
