#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "frontend/build/builder.h"
#include "tests/frontend/testing_layers.h"

namespace weft {
namespace {

using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr double kPi = std::numbers::pi;

auto Near(std::vector<double> expected) {
  return Pointwise(DoubleNear(1e-10), std::move(expected));
}

// Numbers without a pattern.
Tensor Rough(Dims dims) {
  Tensor x = Count(std::move(dims));
  for (double& v : x.mutable_values<double>()) v = std::sin(v * v + 1);
  return x;
}

TEST(SignalLayers, AOneDimensionalBoxFilter) {
  const Tensor x = Of({1, 1, 10}, {4, 3, 2, -5, 3, 5, 2, 5, 5, 6});
  const double third = 1.0 / 3;
  EXPECT_THAT(NumbersOf(RunLayer(x,
                                 [&](Builder& b, Value v) {
                                   return b.Filter1d(v, {.taps = {third, third, third}});
                                 })),
              Near({3, 0, 0, 1, 10 * third, 4, 4, 16 * third}));
  EXPECT_THAT(
      NumbersOf(RunLayer(
          x, [&](Builder& b, Value v) { return b.MovingMean1d(v, {.length = 3, .same = true}); })),
      Near({7 * third, 3, 0, 0, 1, 10 * third, 4, 4, 16 * third, 11 * third}));
}

TEST(SignalLayers, FiltersChannelsByThemselves) {
  EXPECT_THAT(NumbersOf(RunLayer(Count({1, 2, 3}),
                                 [&](Builder& b, Value v) {
                                   return b.Filter1d(v, {.taps = {1, -1}});
                                 })),
              Near({-1, -1, -1, -1}));
}

TEST(SignalLayers, TransformsThereAndBack) {
  for (const int64_t length : {6, 7}) {
    const Tensor x = Rough({2, length, 1});
    EXPECT_THAT(NumbersOf(RunLayer(x,
                                   [&](Builder& b, Value v) {
                                     const Value y = b.Dft(v, {.onesided = true});
                                     return b.InverseDft(y, {.length = length, .onesided = true});
                                   })),
                Near(NumbersOf(x)));
  }
  const Tensor z = Rough({1, 2, 5, 2});
  EXPECT_THAT(NumbersOf(RunLayer(z,
                                 [&](Builder& b, Value v) {
                                   return b.InverseDft(b.Dft(v, {.axis = 2}), {.axis = 2});
                                 })),
              Near(NumbersOf(z)));
}

TEST(SignalLayers, WindowsAreThoseOfOnnx) {
  EXPECT_THAT(*WindowValues({.kind = "hann", .length = 4}), Near({0, 0.5, 1, 0.5}));
  EXPECT_THAT(*WindowValues({.kind = "hann", .length = 5, .periodic = false}),
              Near({0, 0.5, 1, 0.5, 0}));
  EXPECT_THAT(*WindowValues({.kind = "hamming", .length = 2}), Near({4.0 / 46, 1}));
  EXPECT_THAT(*WindowValues({.kind = "blackman", .length = 4}), Near({0, 0.34, 1, 0.34}));
  EXPECT_THAT(*WindowValues({.kind = "hann", .length = 1, .periodic = false}), Near({0}));
  EXPECT_FALSE(WindowValues({.kind = "hat", .length = 4}).ok());
}

// Bin `k` of the windowed frame of x that begins at `start`.
std::complex<double> BinOf(const Tensor& x, int64_t start, int64_t length, int64_t k) {
  const std::vector<double> window = *WindowValues({.length = length});
  std::complex<double> sum = 0;
  for (int64_t n = 0; n < length; ++n) {
    const double angle = -2 * kPi * static_cast<double>(k * n) / static_cast<double>(length);
    sum += window[static_cast<size_t>(n)] * x.At(start + n) * std::polar(1.0, angle);
  }
  return sum;
}

TEST(SignalLayers, StftIsTheTransformOfEachFrame) {
  const Tensor x = Rough({1, 20});
  const Tensor y = RunLayer(x, [](Builder& b, Value v) {
    return b.Stft(v, {.frame_length = 8, .frame_step = 3, .window = "hann"});
  });
  ASSERT_EQ(y.dims(), (Dims{1, 5, 5, 2}));
  for (int64_t frame = 0; frame < 5; ++frame) {
    for (int64_t k = 0; k < 5; ++k) {
      const std::complex<double> bin = BinOf(x, 3 * frame, 8, k);
      EXPECT_NEAR(y.At((frame * 5 + k) * 2), bin.real(), 1e-10);
      EXPECT_NEAR(y.At((frame * 5 + k) * 2 + 1), bin.imag(), 1e-10);
    }
  }
}

TEST(SignalLayers, StftTakesAnOpenBatch) {
  Builder b;
  const Value x = b.Input("x", {"N", 64});
  EXPECT_EQ(ToString(b.Stft(x, {.frame_length = 16}).type()), "f32[N,13,9,2]");
  EXPECT_EQ(ToString(b.Stft(b.Input("z", {"N", 64, 2}),
                            {.frame_length = 16, .frame_step = 16, .onesided = false})
                         .type()),
            "f32[N,4,16,2]");
}

TEST(SignalLayers, CosineTransforms) {
  // Of 1, 2, 3: 6 / sqrt(3), -sqrt(2), 0.
  const Tensor x = Of({1, 3}, {1, 2, 3});
  EXPECT_THAT(NumbersOf(RunLayer(x, [](Builder& b, Value v) { return b.Dct(v); })),
              Near({6 / std::sqrt(3), -std::sqrt(2), 0}));
  EXPECT_THAT(
      NumbersOf(RunLayer(x, [](Builder& b, Value v) { return b.Dct(v, {.orthonormal = false}); })),
      Near({6, -2 * std::cos(kPi / 6), 0}));
  const Tensor image = Rough({2, 3, 4, 5});
  for (const int64_t axis : {-1, 2, 1}) {
    for (const bool orthonormal : {true, false}) {
      const DctOptions o{.axis = axis, .orthonormal = orthonormal};
      EXPECT_THAT(NumbersOf(RunLayer(
                      image, [&](Builder& b, Value v) { return b.InverseDct(b.Dct(v, o), o); })),
                  Near(NumbersOf(image)));
    }
  }
}

// A wave along the rows and another down the columns, which pooling must only sample coarser.
Tensor Waves(int64_t height, int64_t width, double rows, double columns) {
  Tensor x = Count({1, 1, height, width});
  size_t i = 0;
  for (double& v : x.mutable_values<double>()) {
    const double r = static_cast<double>(i / static_cast<size_t>(width));
    const double c = static_cast<double>(i % static_cast<size_t>(width));
    v = 1 + std::cos(2 * kPi * rows * r / static_cast<double>(height)) *
                std::sin(2 * kPi * columns * c / static_cast<double>(width) + 0.3);
    ++i;
  }
  return x;
}

TEST(SignalLayers, SpectralPoolingKeepsLowFrequenciesAsTheyAre) {
  for (const int64_t size : {5, 6}) {
    EXPECT_THAT(NumbersOf(RunLayer(Waves(8, 9, 2, 1),
                                   [&](Builder& b, Value v) {
                                     return b.SpectralPool2d(v, {.size = {size, 4}});
                                   })),
                Near(NumbersOf(Waves(size, 4, 2, 1))));
  }
}

TEST(SignalLayers, SpectralPoolingRemovesHighFrequencies) {
  const Tensor y = RunLayer(Waves(8, 8, 3, 0),
                            [](Builder& b, Value v) { return b.SpectralPool2d(v, {.size = 5}); });
  EXPECT_THAT(NumbersOf(y), ::testing::Each(DoubleNear(1, 1e-10)));
}

TEST(SignalLayers, PoolingToTheSameSizeChangesNothing) {
  const Tensor x = Rough({2, 2, 4, 5});
  EXPECT_THAT(NumbersOf(RunLayer(x,
                                 [](Builder& b, Value v) {
                                   return b.SpectralPool2d(v, {.size = {4, 5}});
                                 })),
              Near(NumbersOf(x)));
  EXPECT_THAT(NumbersOf(RunLayer(x,
                                 [](Builder& b, Value v) {
                                   return b.DctPool2d(v, {.size = {4, 5}});
                                 })),
              Near(NumbersOf(x)));
}

TEST(SignalLayers, PoolingOfLongLinesKeepsTheirMean) {
  const Tensor x = Rough({1, 1, 1, 1024});
  const auto mean = [](const Tensor& t) {
    double sum = 0;
    for (double v : NumbersOf(t)) sum += v;
    return sum / static_cast<double>(t.size());
  };
  for (const int64_t width : {300, 1023}) {
    const SpectralPoolOptions o{.size = {1, width}};
    EXPECT_NEAR(mean(RunLayer(x, [&](Builder& b, Value v) { return b.SpectralPool2d(v, o); })),
                mean(x), 1e-10);
    EXPECT_NEAR(mean(RunLayer(x, [&](Builder& b, Value v) { return b.DctPool2d(v, o); })), mean(x),
                1e-10);
  }
}

TEST(SignalLayers, DctPoolingIsATruncatedTransform) {
  const Tensor x = Rough({1, 1, 6, 1});
  const std::vector<double> coefficients =
      NumbersOf(RunLayer(x, [](Builder& b, Value v) { return b.Dct(v, {.axis = 2}); }));
  const Tensor low = Of({1, 1, 3, 1}, {coefficients[0], coefficients[1], coefficients[2]});
  std::vector<double> expected =
      NumbersOf(RunLayer(low, [](Builder& b, Value v) { return b.InverseDct(v, {.axis = 2}); }));
  for (double& v : expected) v *= std::sqrt(3.0 / 6);
  EXPECT_THAT(NumbersOf(RunLayer(x,
                                 [](Builder& b, Value v) {
                                   return b.DctPool2d(v, {.size = {3, 1}});
                                 })),
              Near(expected));
}

TEST(SignalLayers, MistakesSayWhatWasExpected) {
  const auto mistake = [](std::vector<Axis> shape, auto build) { return MistakeOf(shape, build); };
  EXPECT_THAT(mistake({"N", 3}, [](Builder& b, Value x) { b.Filter1d(x, {.taps = {1}}); }),
              HasSubstr("layers_signal_test.cc"));
  EXPECT_THAT(mistake({"N", 3, 4}, [](Builder& b, Value x) { b.Filter1d(x, {}); }),
              HasSubstr("at least 1, got 0"));
  EXPECT_THAT(mistake({"N", 3, 4},
                      [](Builder& b, Value x) { b.MovingMean1d(x, {.length = int64_t{1} << 50}); }),
              HasSubstr("expected a constant of at most"));
  EXPECT_THAT(mistake({"N", 8}, [](Builder& b, Value x) { b.Stft(x, {.frame_length = 9}); }),
              HasSubstr("at least 9, got 8"));
  EXPECT_THAT(mistake({"N", "T"}, [](Builder& b, Value x) { b.Stft(x, {.frame_length = 4}); }),
              HasSubstr("known number of samples"));
  EXPECT_THAT(mistake({"N", 8}, [](Builder& b, Value x) { b.Dct(x, {.axis = 2}); }),
              HasSubstr("got 2"));
  EXPECT_THAT(mistake({"N", int64_t{1} << 30}, [](Builder& b, Value x) { b.Dct(x); }),
              HasSubstr("expected a constant of at most"));
  EXPECT_THAT(
      mistake({"N", 5, 2},
              [](Builder& b, Value x) { b.InverseDft(x, {.length = 6, .onesided = true}); }),
      HasSubstr("expected a length of 8 or 9 for 5 bins, got 6"));
  EXPECT_THAT(
      mistake({"N", 1, 4, 4}, [](Builder& b, Value x) { b.SpectralPool2d(x, {.size = 5}); }),
      HasSubstr("at most [4,4], got [5,5]"));
  EXPECT_THAT(mistake({"N", 1, 4, 4}, [](Builder& b, Value x) { b.DctPool2d(x, {}); }),
              HasSubstr("at least 1, got 0"));
  EXPECT_THAT(mistake({"N", 4}, [](Builder& b, Value) { b.Window({.kind = "hat", .length = 3}); }),
              HasSubstr("got hat"));
}

}  // namespace
}  // namespace weft
