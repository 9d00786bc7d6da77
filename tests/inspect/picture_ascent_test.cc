#include "frontend/inspect/units/picture_ascent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "frontend/data/random.h"
#include "frontend/inspect/planes.h"

namespace weft {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

Preprocessing GrayForm(int64_t height, int64_t width) {
  return {.channels = 1, .height = height, .width = width, .mean = {0.3f}, .std = {0.5f}};
}
Preprocessing ColorForm(int64_t height, int64_t width) {
  return {.channels = 3,
          .height = height,
          .width = width,
          .channel_order = "rgb",
          .mean = {0.3f, 0.4f, 0.5f},
          .std = {0.5f, 0.25f, 0.2f}};
}

Tensor RandomNumbers(Dims dims, uint64_t seed) {
  Tensor x = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  RandomStream random(seed, RandomPurpose::kPatterns, 0);
  for (float& v : x.mutable_values<float>()) v = random.Uniform(-1, 1);
  return x;
}

double Dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += a.At(i) * b.At(i);
  return sum;
}

Tensor Moved(const Tensor& x, const Tensor& direction, float by) {
  Tensor moved = x;
  const std::span<float> values = moved.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] += by * direction.values<float>()[i];
  return moved;
}

// -|x - target|^2 of each picture.
PictureObjective NearTo(const Tensor& target) {
  return [target](const Tensor& x, int64_t) -> absl::StatusOr<ObjectiveAt> {
    ObjectiveAt at{.values = {}, .gradient = x};
    const auto size = static_cast<size_t>(target.size());
    const std::span<float> gradient = at.gradient.mutable_values<float>();
    for (size_t i = 0; i < gradient.size(); ++i) {
      const float away = gradient[i] - target.values<float>()[i % size];
      if (i % size == 0) at.values.push_back(0);
      at.values.back() -= away * away;
      gradient[i] = -2 * away;
    }
    return at;
  };
}

AscentOptions Pixels(int64_t steps, double rate) {
  return {.steps = steps, .rate = rate, .parameters = PictureParameters::kPixels};
}

TEST(Planes, ResizingKeepsFlatPicturesAndMeans) {
  const Tensor x = RandomNumbers({2, 3, 6, 4}, 1);
  const Tensor same = *ResizedPlanes(x, 6, 4);
  for (int64_t i = 0; i < x.size(); ++i) EXPECT_NEAR(same.At(i), x.At(i), 1e-6);
  Tensor flat = *Tensor::Zeros(DType::kF32, {1, 1, 5, 7});
  std::ranges::fill(flat.mutable_values<float>(), 0.25f);
  for (const auto& [h, w] : {std::pair{3, 2}, {11, 20}}) {
    const Tensor other = *ResizedPlanes(flat, h, w);
    ASSERT_EQ(other.dims(), (Dims{1, 1, h, w}));
    for (int64_t i = 0; i < other.size(); ++i) EXPECT_NEAR(other.At(i), 0.25, 1e-6);
  }
}

TEST(Planes, RollingComesBack) {
  const Tensor x = RandomNumbers({2, 2, 3, 5}, 2);
  const Tensor rolled = *RolledPlanes(x, 2, -6);
  // (row 0, column 2) of the second picture's first channel goes to (2, 1).
  EXPECT_EQ(rolled.At(2 * 15 + 2 * 5 + 1), x.At(2 * 15 + 2));
  EXPECT_EQ(*RolledPlanes(rolled, -2, 6), x);
}

TEST(Planes, BlurIsAGaussianThatKeepsSums) {
  Tensor point = *Tensor::Zeros(DType::kF32, {1, 1, 25, 25});
  point.mutable_values<float>()[12 * 25 + 12] = 1;
  const Tensor blurred = *BlurredPlanes(point, 1.5);
  double sum = 0;
  for (int64_t i = 0; i < blurred.size(); ++i) sum += blurred.At(i);
  EXPECT_NEAR(sum, 1, 1e-5);
  // exp(-r^2 / 2 s^2)
  const double middle = blurred.At(12 * 25 + 12);
  EXPECT_NEAR(blurred.At(12 * 25 + 14) / middle, std::exp(-4 / 4.5), 1e-5);
  EXPECT_NEAR(blurred.At(15 * 25 + 11) / middle, std::exp(-10 / 4.5), 1e-5);
}

TEST(PictureSource, AWaveIsACosineOverItsFrequency) {
  const int64_t h = 6, w = 8;
  auto source = PictureSource::Create(GrayForm(h, w), {}).value();
  Tensor coefficients = *Tensor::Zeros(DType::kF32, {1, 1, w, h});
  coefficients.mutable_values<float>()[3 * h] = 0.5f;  // two cycles across, none down
  const Tensor x = *source->Pictures(coefficients);
  for (int64_t i = 0; i < x.size(); ++i) {
    const double level = 0.3 + 0.5 * x.At(i);
    const double wave = std::sqrt(1.0 / h) * std::sqrt(2.0 / w) *
                        std::cos(2 * std::numbers::pi * 2 * static_cast<double>(i % w) / w);
    EXPECT_NEAR(std::log(level / (1 - level)), 0.5 * 0.25 / (2.0 / w) * wave, 1e-5) << i;
  }
}

// The directional derivative of <cotangent, picture> less the costs.
TEST(PictureSource, GoesBackByItsDerivative) {
  for (const auto parameters : {PictureParameters::kPixels, PictureParameters::kFourier}) {
    auto source = PictureSource::Create(ColorForm(5, 6), {.parameters = parameters}).value();
    const Tensor at = *source->Noise(2, 7);
    const Tensor direction = RandomNumbers(at.dims(), 3);
    const Tensor cotangent = RandomNumbers({2, 3, 5, 6}, 4);
    const float step = 1e-2f;
    const double difference = (Dot(*source->Pictures(Moved(at, direction, step)), cotangent) -
                               Dot(*source->Pictures(Moved(at, direction, -step)), cotangent)) /
                              (2 * step);
    const Tensor gradient = *source->Backward(at, cotangent);
    EXPECT_NEAR(Dot(gradient, direction), difference, 1e-3 * std::abs(difference));
  }
}

// x = (p - mean)/std of flat pixels: d(-decay * mean x^2)/dp = -decay * 2 x / (std n).
TEST(PictureSource, DecayCostsTheMeanSquare) {
  auto source = PictureSource::Create(
                    GrayForm(3, 4),
                    {.parameters = PictureParameters::kPixels, .decay = 2, .total_variation = 5})
                    .value();
  Tensor levels = *Tensor::Zeros(DType::kF32, {1, 1, 3, 4});
  std::ranges::fill(levels.mutable_values<float>(), 0.8f);
  const Tensor none = *Tensor::Zeros(DType::kF32, {1, 1, 3, 4});
  const Tensor gradient = *source->Backward(levels, none);
  for (int64_t i = 0; i < 12; ++i) EXPECT_NEAR(gradient.At(i), -2 * 2 * 1.0 / (0.5 * 12), 1e-5);
}

TEST(PictureAscent, FindsThePictureThatIsWanted) {
  const Preprocessing form = ColorForm(4, 5);
  Tensor target = *Tensor::Zeros(DType::kF32, {1, 3, 4, 5});
  RandomStream random(1, RandomPurpose::kPatterns, 1);
  for (float& v : target.mutable_values<float>()) v = random.Uniform(-0.5f, 0.5f);
  for (AscentOptions options : {Pixels(600, 0.01), AscentOptions{.steps = 3000, .rate = 0.03}}) {
    options.jitter = 0;
    const auto ascent = AscendFromNoise(NearTo(target), form, 2, options);
    ASSERT_TRUE(ascent.ok()) << ascent.status();
    for (int64_t i = 0; i < ascent->x.size(); ++i) {
      EXPECT_NEAR(ascent->x.At(i), target.At(i % target.size()), 0.02) << i;
    }
    EXPECT_LT(ascent->course.front(), ascent->course.back());
  }
}

TEST(PictureAscent, PixelsStayLevels) {
  const Preprocessing form = GrayForm(3, 3);
  Tensor far = *Tensor::Zeros(DType::kF32, {1, 1, 3, 3});
  std::ranges::fill(far.mutable_values<float>(), 100.0f);
  AscentOptions options = Pixels(60, 0.05);
  options.rule = AscentRule::kNormalised;
  const auto ascent = AscendFromNoise(NearTo(far), form, 1, options);
  ASSERT_TRUE(ascent.ok()) << ascent.status();
  EXPECT_THAT(ascent->x.values<float>(), Each((1 - 0.3f) / 0.5f));
}

// A step of the rule moves parameters by `rate` in the mean.
TEST(PictureAscent, ANormalisedStepHasItsRate) {
  const Preprocessing form = GrayForm(4, 4);
  const Tensor start = *Tensor::Zeros(DType::kF32, {1, 1, 4, 4});
  AscentOptions options = Pixels(1, 0.02);
  options.rule = AscentRule::kNormalised;
  const Tensor target = RandomNumbers({1, 1, 4, 4}, 8);
  const auto ascent = AscendFrom(start, NearTo(target), form, options);
  ASSERT_TRUE(ascent.ok()) << ascent.status();
  double sum = 0;
  for (int64_t i = 0; i < 16; ++i) sum += std::abs(ascent->x.At(i)) * 0.5 / 16;
  EXPECT_NEAR(sum, 0.02, 1e-6);
}

TEST(PictureAscent, TheSameSeedGivesTheSameBits) {
  const Preprocessing form = ColorForm(6, 7);
  const PictureObjective objective = NearTo(RandomNumbers({1, 3, 6, 7}, 5));
  for (AscentOptions options : {Pixels(20, 0.02), AscentOptions{.steps = 20}}) {
    options.jitter = 3;
    options.total_variation = 0.1;
    if (options.parameters == PictureParameters::kPixels) options.blur_every = 4;
    options.seed = 11;
    const Ascent a = *AscendFromNoise(objective, form, 2, options);
    EXPECT_EQ(a.x, AscendFromNoise(objective, form, 2, options)->x);
    options.seed = 12;
    EXPECT_NE(a.x, AscendFromNoise(objective, form, 2, options)->x);
  }
}

TEST(PictureAscent, AGradientThatIsNoNumberIsAnError) {
  const PictureObjective objective = [](const Tensor& x, int64_t step) {
    ObjectiveAt at{.values = {1}, .gradient = x};
    if (step == 2) at.gradient.mutable_values<float>()[5] = NAN;
    return absl::StatusOr<ObjectiveAt>(std::move(at));
  };
  for (const AscentRule rule : {AscentRule::kAdam, AscentRule::kNormalised}) {
    AscentOptions options = Pixels(4, 0.1);
    options.rule = rule;
    const Tensor x = RandomNumbers({1, 1, 4, 4}, 1);
    EXPECT_THAT(AscendFrom(x, objective, GrayForm(4, 4), options).status().message(),
                HasSubstr("the gradient of the objective is nan at step 2"));
  }
}

TEST(PictureAscent, SaysWhatIsOutOfRange) {
  const auto error = [](auto change) {
    AscentOptions options = Pixels(1, 0.1);
    change(options);
    return std::string(CheckAscent(options).message());
  };
  EXPECT_THAT(error([](auto& o) { o.steps = 0; }), HasSubstr("steps: expected 1 to 1,000,000"));
  EXPECT_THAT(error([](auto& o) { o.rate = 0; }), HasSubstr("rate: expected above 0, got 0"));
  EXPECT_THAT(error([](auto& o) { o.decay = -1; }), HasSubstr("decay: expected 0 or more, got -1"));
  EXPECT_THAT(error([](auto& o) { o.total_variation = NAN; }), HasSubstr("total variation"));
  EXPECT_THAT(error([](auto& o) { o.jitter = -1; }), HasSubstr("jitter"));
  EXPECT_THAT(error([](auto& o) {
                o.blur_every = 2;
                o.blur = 0;
              }),
              HasSubstr("blur: expected a deviation above 0"));
  EXPECT_THAT(error([](auto& o) {
                o.blur_every = 2;
                o.parameters = PictureParameters::kFourier;
              }),
              HasSubstr("blur: expected pixels"));
}

}  // namespace
}  // namespace weft
