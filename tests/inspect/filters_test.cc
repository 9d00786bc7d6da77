// Kernels of convolutions as pictures.
#include "frontend/inspect/layers/filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "frontend/build/builder.h"
#include "frontend/session/session.h"
#include "testing_golden.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Weights 0, 1, 2, ... of a convolution from `in` to `out` channels.
Model CountingNet(int64_t in, int64_t out, const Dims& dims) {
  Tensor weights = Tensor::Zeros(DType::kF32, dims).value();
  for (int64_t i = 0; i < weights.size(); ++i) {
    weights.mutable_values<float>()[static_cast<size_t>(i)] = static_cast<float>(i);
  }
  Builder b;
  const Value x = b.Input("x", {"N", in, 8, 8});
  Value h = b.Conv2d(x, {.channels = out,
                         .kernel = dims[2],
                         .bias = false,
                         .init = Initializer::Values(weights),
                         .name = "conv1"});
  h = b.Relu(b.BatchNorm2d(h, {.name = "bn"}), {.name = "relu"});
  b.Output("y", b.Linear(b.Flatten(h), {.features = 2, .name = "fc"}));
  return b.Build().value();
}

TEST(Filters, AreTheWeightsOfTheFirstConvolution) {
  const Model model = CountingNet(2, 3, {3, 2, 3, 3});
  const Filters filters = *FiltersOf(model);
  EXPECT_EQ(filters.layer, "conv1");
  EXPECT_EQ(filters.weights, LeafValue(*model.graph.Find("conv1.weight")));
  EXPECT_EQ(FiltersOf(model, "conv1")->weights, filters.weights);
}

TEST(Filters, OfOptimizedGraphsToo) {
  Model model = CountingNet(1, 2, {2, 1, 3, 3});
  Model optimized(*OptimizedForInference(model.graph));
  const Filters filters = *FiltersOf(optimized);
  EXPECT_EQ(optimized.graph.Find(filters.layer)->op_name(), "FusedConv");
  // The normalization's 1 / sqrt(1 + 1e-5) is folded in.
  for (int64_t i = 0; i < filters.weights.size(); ++i) {
    EXPECT_NEAR(filters.weights.At(i), static_cast<double>(i) / std::sqrt(1 + 1e-5), 1e-4);
  }
}

// Two filters of three inputs, 1x1: (0, 1, 2) and (3, 4, 5) of +-5 around mid gray.
TEST(Filters, ThreeInputsAreColors) {
  const Filters filters = *FiltersOf(CountingNet(3, 2, {2, 3, 1, 1}));
  EXPECT_EQ(*LayoutFor(filters, FilterLayout::kAuto), FilterLayout::kColors);
  const Picture picture = *FiltersPicture(filters, {.columns = 2, .scale = 1});
  ASSERT_EQ(picture.width, 5);
  const auto pixel = [&](size_t i) {
    return std::vector<int>(&picture.pixels[i * 3], &picture.pixels[i * 3] + 3);
  };
  EXPECT_THAT(pixel(6), ElementsAre(128, 153, 179));
  EXPECT_THAT(pixel(8), ElementsAre(204, 230, 255));
  Filters blue_first = filters;
  blue_first.bgr = true;
  const Picture turned = *FiltersPicture(blue_first, {.columns = 2, .scale = 1});
  EXPECT_EQ(turned.pixels[6 * 3], 179);
  EXPECT_EQ(turned.pixels[6 * 3 + 2], 128);
}

TEST(Filters, PairsAreARowAnOutputAndMeansAMapAnOutput) {
  const Filters filters = *FiltersOf(CountingNet(2, 3, {3, 2, 3, 3}));
  EXPECT_EQ(*LayoutFor(filters, FilterLayout::kAuto), FilterLayout::kPairs);
  const Picture pairs = *FiltersPicture(filters, {.scale = 1});
  EXPECT_EQ(pairs.width, 1 + 2 * 4);
  EXPECT_EQ(pairs.height, 1 + 3 * 4);
  const Picture means =
      *FiltersPicture(filters, {.layout = FilterLayout::kMeans, .columns = 3, .scale = 1});
  EXPECT_EQ(means.width, 1 + 3 * 4);
  EXPECT_EQ(means.height, 5);
  // The last mean of the last filter, (44 + 53) / 2, is the most, and so the end of the colors.
  const Rgb most = ColorOf(ColorMap::kDiverging, 1);
  const size_t last = static_cast<size_t>((3 * means.width + 11) * 3);
  EXPECT_EQ((Rgb{means.pixels[last], means.pixels[last + 1], means.pixels[last + 2]}), most);
}

TEST(Filters, EachKernelMayHaveItsOwnRange) {
  const Filters filters = *FiltersOf(CountingNet(1, 2, {2, 1, 1, 1}));  // 0 and 1
  Filters two = filters;
  two.weights = Tensor::FromValues<float>({2, 1, 1, 2}, std::array{1.f, 0.f, 2.f, 0.f}).value();
  const Picture joint = *FiltersPicture(two, {.columns = 1, .scale = 1});
  const Picture each = *FiltersPicture(two, {.each = true, .columns = 1, .scale = 1});
  const size_t first = static_cast<size_t>((joint.width + 1) * 3);
  EXPECT_NE(joint.pixels[first], ColorOf(ColorMap::kDiverging, 1)[0]);
  EXPECT_EQ(each.pixels[first + 2], ColorOf(ColorMap::kDiverging, 1)[2]);
}

TEST(Filters, SignalsAndVolumesAreMapsAndSlices) {
  Filters filters{.layer = "conv1"};
  filters.weights = Tensor::Zeros(DType::kF32, {2, 4, 7}).value();
  const Picture signal = *FiltersPicture(filters, {.columns = 1, .scale = 1});
  EXPECT_EQ(signal.width, 9);
  EXPECT_EQ(signal.height, 1 + 2 * 5);
  filters.weights = Tensor::Zeros(DType::kF32, {2, 3, 4, 5, 5}).value();
  const Picture volume = *FiltersPicture(filters, {.scale = 1});
  EXPECT_EQ(volume.width, 1 + 4 * 6);  // slices
  EXPECT_EQ(volume.height, 1 + 2 * 6);
  filters.weights = Tensor::Zeros(DType::kF32, {2, 3}).value();
  EXPECT_THAT(FiltersPicture(filters).status().message(), HasSubstr("expected weights of one to"));
}

TEST(Filters, SayWhatIsWrong) {
  const Model model = CountingNet(1, 2, {2, 1, 3, 3});
  EXPECT_THAT(FiltersOf(model, "conv2").status().message(), HasSubstr("did you mean conv1?"));
  EXPECT_THAT(FiltersOf(model, "relu").status().message(),
              HasSubstr("expected a convolution, got relu (Relu); the first of 1 is conv1"));
  EXPECT_THAT(LayoutFor(*FiltersOf(model), FilterLayout::kColors).status().message(),
              HasSubstr("expected 3 inputs to be shown as colors"));
}

TEST(Filters, GoldenOfDigits) {
  ExpectGoldenPicture(*FiltersPicture(*FiltersOf(GoldenModel("digits"))), "filters_digits");
}

TEST(Filters, GoldenOfPhotographs) {
  ExpectGoldenPicture(*FiltersPicture(*FiltersOf(GoldenModel("cifar"))), "filters_cifar");
}

using FiltersCli = Cli;

TEST_F(FiltersCli, WritesPicturesAndWeights) {
  const std::string file = GoldenFolder() + "/digits.weft";
  EXPECT_THAT(Output("inspect " + file + " filters -o f.png"), HasSubstr("saved f.png"));
  EXPECT_THAT(Output("inspect " + file + " filters --show means -o f.npy"),
              HasSubstr("weights f32"));
  EXPECT_THAT(Leftovers(), ::testing::UnorderedElementsAre("f.png", "f.npy"));
  EXPECT_THAT(Error("inspect " + file + " filters --at nothing"), HasSubstr("no node is called"));
  EXPECT_THAT(Error("inspect " + file + " filters --show rows"), HasSubstr("got rows"));
  EXPECT_THAT(Error("inspect " + file + " filters -o f.svg"), HasSubstr(".png or .npy"));
}

}  // namespace
}  // namespace weft
