#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/build/layers/conv.h"
#include "tests/frontend/testing_layers.h"

namespace weft {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;
using testing::StartsWith;

// One convolution with the lectures' kernel [[0,1],[2,3]] and no bias.
Tensor Lecture(const Tensor& x, Conv2dOptions o, const Tensor& weight = Count({1, 1, 2, 2})) {
  o.channels = 1;
  o.kernel = 2;
  o.bias = false;
  o.name = "conv";
  return RunLayer(x, [&](Builder& b, Value v) { return b.Conv2d(v, o); },
                  {.parameters = {{"conv.weight", weight}}});
}

TEST(ConvLayer, CrossCorrelates) {
  const Tensor x = Count({1, 1, 3, 3});
  EXPECT_EQ(Lecture(x, {}), Of({1, 1, 2, 2}, {19, 25, 37, 43}));
  EXPECT_EQ(Lecture(x, {.padding = 1}),
            Of({1, 1, 4, 4}, {0, 3, 8, 4, 9, 19, 25, 10, 21, 37, 43, 16, 6, 7, 8, 0}));
  EXPECT_EQ(Lecture(x, {.stride = {3, 2}, .padding = 1}), Of({1, 1, 2, 2}, {0, 8, 6, 8}));
}

TEST(ConvLayer, SumsOverTwoChannels) {
  const Tensor x = Of({1, 2, 3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor w = Of({1, 2, 2, 2}, {0, 1, 2, 3, 1, 2, 3, 4});
  EXPECT_EQ(Lecture(x, {}, w), Of({1, 1, 2, 2}, {56, 72, 104, 120}));
}

TEST(ConvLayer, PadsByNumbersAndByName) {
  const Tensor x = Count({1, 1, 3, 3});
  const Tensor padded = Lecture(x, {.padding = 1});
  EXPECT_EQ(Lecture(x, {.padding = "full"}), padded);
  EXPECT_EQ(Lecture(x, {.padding = {1, 1, 1, 1}}), padded);
  EXPECT_EQ(Lecture(x, {.padding = "valid"}), Lecture(x, {}));
  EXPECT_EQ(Lecture(x, {.padding = "same"}), Of({1, 1, 3, 3}, {19, 25, 10, 37, 43, 16, 7, 8, 0}));
  EXPECT_EQ(Lecture(x, {.padding = {0, 0, 0, 1}}), Of({1, 1, 2, 3}, {19, 25, 10, 37, 43, 16}));
  // ceil(3 / 2) outputs; the windows begin at 0 and 2.
  EXPECT_EQ(Lecture(x, {.stride = 2, .padding = "same"}), Of({1, 1, 2, 2}, {19, 10, 7, 0}));
}

TEST(ConvLayer, HasOneToThreeSpatialAxes) {
  const auto ones = [](Dims dims) {
    return *Initializer::Constant(1).Make(DType::kF64, dims, {}, 0, "");
  };
  EXPECT_EQ(
      RunLayer(Count({1, 1, 5}),
               [](Builder& b, Value x) {
                 return b.Conv1d(x, {.channels = 1, .kernel = 3, .stride = 2});
               },
               {.parameters = {{"conv1.weight", ones({1, 1, 3})}, {"conv1.bias", Of({1}, {1})}}}),
      Of({1, 1, 2}, {4, 10}));
  EXPECT_EQ(RunLayer(Count({1, 1, 2, 2, 2}),
                     [](Builder& b, Value x) {
                       return b.Conv3d(x, {.channels = 1, .kernel = {2, 2, 1}, .bias = false});
                     },
                     {.parameters = {{"conv1.weight", ones({1, 1, 2, 2, 1})}}}),
            Of({1, 1, 1, 1, 2}, {12, 16}));
  EXPECT_THAT(ParametersOf({2, 4, 9},
                           [](Builder& b, Value x) {
                             return b.Conv1d(x, {.channels = 6, .kernel = 3, .groups = 2});
                           }),
              ElementsAre("conv1.weight [6,2,3]", "conv1.bias [6]"));
}

// A kernel of three ones on 1 2 3, padded by one.
Tensor Smooth(const char* mode, bool bias = false, std::vector<Axis> shape = {}) {
  LayerRun run{.shape = std::move(shape),
               .parameters = {{"conv1.weight", Of({1, 1, 3}, {1, 1, 1})}}};
  if (bias) run.parameters["conv1.bias"] = Of({1}, {10});
  return RunLayer(
      Of({1, 1, 3}, {1, 2, 3}),
      [&](Builder& b, Value x) {
        return b.Conv1d(
            x, {.channels = 1, .kernel = 3, .padding = 1, .bias = bias, .padding_mode = mode});
      },
      run);
}

TEST(ConvLayer, PaddingModes) {
  EXPECT_EQ(Smooth("zeros"), Of({1, 1, 3}, {3, 6, 5}));
  EXPECT_EQ(Smooth("replicate"), Of({1, 1, 3}, {4, 6, 8}));
  EXPECT_EQ(Smooth("symmetric"), Of({1, 1, 3}, {4, 6, 8}));
  EXPECT_EQ(Smooth("reflect"), Of({1, 1, 3}, {5, 6, 7}));
  EXPECT_EQ(Smooth("circular"), Of({1, 1, 3}, {6, 6, 6}));
}

TEST(ConvLayer, CroppedKernelsAreScaledByTapsOverTapsInside) {
  const std::vector<double> expected = {4.5, 6, 7.5}, shifted = {14.5, 16, 17.5};
  EXPECT_EQ(NumbersOf(Smooth("crop")), expected);
  EXPECT_EQ(NumbersOf(Smooth("crop", /*bias=*/true)), shifted);
  EXPECT_EQ(NumbersOf(Smooth("crop", /*bias=*/false, {"N", 1, "L"})), expected);
  EXPECT_EQ(NumbersOf(Smooth("crop", /*bias=*/true, {"N", 1, "L"})), shifted);
  // The corner of a 2-D kernel: 9 taps, 4 inside.
  const Tensor y = RunLayer(
      Of({1, 1, 2, 2}, {4, 4, 4, 4}),
      [](Builder& b, Value x) {
        return b.Conv2d(
            x, {.channels = 1, .kernel = 3, .padding = 1, .bias = false, .padding_mode = "crop"});
      },
      {.parameters = {{"conv1.weight",
                       *Initializer::Constant(1).Make(DType::kF64, {1, 1, 3, 3}, {}, 0, "")}}});
  EXPECT_THAT(NumbersOf(y), Pointwise(DoubleEq(), {36, 36, 36, 36}));
}

TEST(ConvTransposeLayer, IsPyTorchs) {
  const Tensor x = Of({1, 1, 2, 2}, {1, 2, 3, 4});
  const LayerRun run{.parameters = {{"up.weight", Count({1, 1, 2, 2})}}};
  const auto up = [](ConvTranspose2dOptions o) {
    o.channels = 1;
    o.kernel = 2;
    o.bias = false;
    o.name = "up";
    return [o](Builder& b, Value v) { return b.ConvTranspose2d(v, o); };
  };
  EXPECT_EQ(RunLayer(x, up({}), run), Of({1, 1, 3, 3}, {0, 1, 2, 2, 10, 10, 6, 17, 12}));
  EXPECT_EQ(RunLayer(x, up({.stride = 2}), run),
            Of({1, 1, 4, 4}, {0, 1, 0, 2, 2, 3, 4, 6, 0, 3, 0, 4, 6, 9, 8, 12}));
  EXPECT_EQ(RunLayer(x, up({.stride = 2, .padding = 1, .output_padding = {1, 0}}), run),
            Of({1, 1, 3, 2}, {3, 4, 3, 0, 9, 8}));
  EXPECT_THAT(ParametersOf({1, 4, 5},
                           [](Builder& b, Value v) {
                             return b.ConvTranspose1d(v, {.channels = 6, .kernel = 3, .groups = 2});
                           }),
              ElementsAre("convtranspose1.weight [4,3,3]", "convtranspose1.bias [6]"));
  Builder b;
  const Value y = b.ConvTranspose3d(b.Input("x", {"N", 4, 3, 3, 3}),
                                    {.channels = 2, .kernel = 4, .stride = 2, .padding = 1});
  EXPECT_EQ(ToString(y.type()), "f32[N,2,6,6,6]");
}

TEST(DepthwiseLayer, MakesSeveralOutputsOfEachChannel) {
  EXPECT_EQ(RunLayer(Of({1, 2, 1, 1}, {3, 5}),
                     [](Builder& b, Value x) {
                       return b.DepthwiseConv2d(x, {.kernel = 1, .multiplier = 2, .bias = false});
                     },
                     {.parameters = {{"conv1.weight", Of({4, 1, 1, 1}, {1, 10, 100, 1000})}}}),
            Of({1, 4, 1, 1}, {3, 30, 500, 5000}));
}

// --- Convolution as in signal processing ---

Tensor Convolved(const Tensor& x, const Tensor& h, const char* mode, std::vector<Axis> shape = {}) {
  return RunLayer(x,
                  [&](Builder& b, Value v) { return b.Convolve(v, b.Constant(h), {.mode = mode}); },
                  {.shape = std::move(shape)});
}

TEST(Convolve, LinearAndCircular) {
  const Tensor x = Of({1, 1, 3}, {1, 2, 2}), h = Of({2}, {1, -1});
  EXPECT_EQ(Convolved(x, h, "full"), Of({1, 1, 4}, {1, 1, 0, -2}));
  EXPECT_EQ(Convolved(x, h, "full", {"N", 1, "L"}), Of({1, 1, 4}, {1, 1, 0, -2}));
  EXPECT_EQ(Convolved(x, h, "circular"), Of({1, 1, 3}, {-1, 1, 0}));
  EXPECT_EQ(Convolved(x, h, "same"), Of({1, 1, 3}, {1, 1, 0}));
  EXPECT_EQ(Convolved(x, h, "valid"), Of({1, 1, 2}, {1, 0}));
}

TEST(Convolve, FlipsTheKernelOnEveryAxisAndTakesEachChannelAlone) {
  // The impulse response of an image with one pixel is the kernel, not its mirror image.
  const Tensor x = Of({1, 2, 1, 1}, {1, 2});
  EXPECT_EQ(Convolved(x, Count({2, 3}), "full"),
            Of({1, 2, 2, 3}, {0, 1, 2, 3, 4, 5, 0, 2, 4, 6, 8, 10}));
}

// An image that is 90 in rows 2-6, columns 3-7, but 0 at (5,4), and 90 at (8,2).
TEST(Convolve, TheMeanFilterOfTheLectures) {
  std::vector<double> pixels(100, 0);
  for (size_t row = 2; row <= 6; ++row) {
    for (size_t column = 3; column <= 7; ++column) pixels[10 * row + column] = 90;
  }
  pixels[54] = 0;
  pixels[82] = 90;
  const Tensor mean = Of({3, 3}, std::vector<double>(9, 1.0 / 9));
  EXPECT_THAT(NumbersOf(Convolved(Of({1, 1, 10, 10}, pixels), mean, "valid")),
              Pointwise(DoubleNear(1e-12),
                        {0,  10, 20, 30, 30, 30, 20, 10, 0,  20, 40, 60, 60, 60, 40, 20,
                         0,  30, 60, 90, 90, 90, 60, 30, 0,  30, 50, 80, 80, 90, 60, 30,
                         0,  30, 50, 80, 80, 90, 60, 30, 0,  20, 30, 50, 50, 60, 40, 20,
                         10, 20, 30, 30, 30, 30, 20, 10, 10, 10, 10, 0,  0,  0,  0,  0}));
}

// --- Mistakes ---

TEST(ConvLayer, SaysWhatWasExpectedAndWhatCame) {
  const std::vector<Axis> image = {"N", 6, "H", 8};
  const auto conv = [&](Conv2dOptions o) {
    if (o.channels == 0) o.channels = 4;
    if (o.kernel == Extent2()) o.kernel = 3;
    return MistakeOf(image, [&](Builder& b, Value x) { b.Conv2d(x, o); });
  };
  EXPECT_THAT(conv({.padding = {1, 2, 3}}),
              HasSubstr("conv1 (Conv): expected a padding of 1, 2 or 4 numbers, got [1,2,3]"));
  EXPECT_THAT(conv({.padding = -1}), HasSubstr("expected a padding of at least 0, got -1"));
  EXPECT_THAT(conv({.padding = "some"}),
              HasSubstr("expected padding \"valid\", \"same\", \"full\" or numbers, got \"some\""));
  EXPECT_THAT(conv({.stride = 2, .padding = "same"}), HasSubstr("expected a known extent"));
  EXPECT_THAT(conv({.stride = {1, 0}}), HasSubstr("expected a stride of at least 1, got 0"));
  EXPECT_THAT(conv({.padding_mode = "wrap"}), HasSubstr("got \"wrap\""));
  EXPECT_THAT(conv({.padding = 9, .padding_mode = "reflect"}), HasSubstr("expected"));
  EXPECT_THAT(conv({.groups = 4}), HasSubstr("expected channels that 4 groups divide"));
  EXPECT_THAT(MistakeOf(image, [](Builder& b, Value x) { b.Conv1d(x, {}); }),
              HasSubstr("expected an input [N,C,L], got f32[N,6,H,8]"));
  EXPECT_THAT(MistakeOf({"N", "C", 4, 4},
                        [](Builder& b, Value x) { b.Conv2d(x, {.channels = 1, .kernel = 1}); }),
              HasSubstr("expected a known number of channels"));
  EXPECT_THAT(MistakeOf(image,
                        [](Builder& b, Value x) {
                          b.ConvTranspose2d(x, {.channels = 2, .kernel = 2, .output_padding = 1});
                        }),
              HasSubstr("convtranspose1 (ConvTranspose): expected at most 0 elements beyond"));
  EXPECT_THAT(MistakeOf(image,
                        [](Builder& b, Value x) {
                          b.ConvTranspose2d(x, {.channels = 2, .kernel = 2, .padding = "same"});
                        }),
              HasSubstr("expected padding in numbers, got \"same\""));
  EXPECT_THAT(MistakeOf(image, [](Builder& b, Value x) { b.DepthwiseConv2d(x, {.kernel = 0}); }),
              StartsWith("frontend/layers_conv_test.cc:"));
  EXPECT_THAT(MistakeOf(image, [](Builder& b, Value x) { b.Convolve(x, x); }),
              HasSubstr("expected a signal [N,C,spatial axes...] and a kernel"));
  EXPECT_THAT(MistakeOf({"N", 1, 8},
                        [](Builder& b, Value x) {
                          b.Convolve(x, b.Constant(Tensor::Zeros(DType::kF32, {3}).value()),
                                     {.mode = "cyclic"});
                        }),
              HasSubstr("expected mode full, same, valid or circular, got \"cyclic\""));
}

}  // namespace
}  // namespace weft
