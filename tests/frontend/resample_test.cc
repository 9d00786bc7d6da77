#include "frontend/io/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace weft {
namespace {

using testing::ElementsAre;

// Smooth waves under hard edges, so that filters have something to overshoot at.
Picture TestPicture(int64_t height, int64_t width, int64_t channels) {
  Picture picture = {.height = height, .width = width, .channels = channels, .pixels = {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const double wave = 60 * std::sin(0.7 * x + 0.4 * y + c) + 60 * std::cos(0.3 * x * y + c);
        const double edge = (x / 5 + y / 3) % 2 == 0 ? 60 : -60;
        picture.pixels.push_back(static_cast<uint8_t>(std::clamp(128 + wave + edge, 0.0, 255.0)));
      }
    }
  }
  return picture;
}

// The definition: a filter centred on each new pixel, stretched where the picture shrinks, over the
// middles of the old pixels; both axes at once, without rounding between them.
double Exact(const Picture& in, int64_t height, int64_t width, double support,
             const std::function<double(double)>& filter, int64_t y, int64_t x, int64_t c) {
  const double sy = static_cast<double>(in.height) / height, fy = std::max(sy, 1.0);
  const double sx = static_cast<double>(in.width) / width, fx = std::max(sx, 1.0);
  double sum = 0, weights = 0;
  for (int64_t i = 0; i < in.height; ++i) {
    const double dy = (i + 0.5 - (y + 0.5) * sy) / fy;
    for (int64_t j = 0; j < in.width; ++j) {
      const double dx = (j + 0.5 - (x + 0.5) * sx) / fx;
      if (std::abs(dy) > support || std::abs(dx) > support) continue;
      const double w = filter(dy) * filter(dx);
      weights += w;
      sum += w * in.pixels[static_cast<size_t>((i * in.width + j) * in.channels + c)];
    }
  }
  return sum / weights;
}

struct FilterCase {
  ResampleFilter filter;
  double support;
  std::function<double(double)> f;
};

double Keys(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  return x < 2 ? a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a : 0;
}

const FilterCase kCases[] = {
    {ResampleFilter::kBox, 0.5, [](double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }},
    {ResampleFilter::kBilinear, 1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }},
    {ResampleFilter::kBicubic, 2, Keys},
    {ResampleFilter::kLanczos, 3, [](double x) {
       const double t = M_PI * x;
       return x == 0 ? 1.0 : std::abs(x) >= 3 ? 0.0 : 3 * std::sin(t) * std::sin(t / 3) / (t * t);
     }}};

// The two roundings to bytes, and an overshoot that is cut between the passes, are the difference.
TEST(Resample, IsWithinOneGrayLevelOfTheDefinition) {
  for (const FilterCase& test : kCases) {
    for (const int64_t channels : {1, 3}) {
      const Picture in = TestPicture(23, 31, channels);
      for (const auto& [height, width] : {std::pair<int64_t, int64_t>{10, 14}, {40, 50}, {23, 7},
                                          {60, 31}, {1, 1}, {11, 62}}) {
        const Picture out = Resample(in, height, width, test.filter);
        ASSERT_EQ(out.pixels.size(), static_cast<size_t>(height * width * channels));
        for (int64_t i = 0; i < height * width * channels; ++i) {
          const int64_t c = i % channels, x = i / channels % width, y = i / channels / width;
          const double exact = Exact(in, height, width, test.support, test.f, y, x, c);
          if (exact < 3 || exact > 252) continue;
          EXPECT_NEAR(out.pixels[static_cast<size_t>(i)], exact, test.support > 1 ? 1.6 : 1.0)
              << ToString(test.filter) << " " << height << "x" << width << " at " << y << "," << x;
        }
      }
    }
  }
}

// By hand: shrinking by two with a triangle of half-width 2 weighs 1/8 3/8 3/8 1/8 inside and 3/7
// 3/7 1/7 at the border.
TEST(Resample, HasPillowsValues) {
  const Picture row = {.height = 1, .width = 6, .channels = 1, .pixels = {0, 70, 140, 0, 80, 240}};
  EXPECT_THAT(Resample(row, 1, 3).pixels, ElementsAre(50, 71, 137));
  EXPECT_THAT(Resample(row, 1, 3, ResampleFilter::kBox).pixels, ElementsAre(35, 70, 160));
  EXPECT_THAT(Resample(row, 1, 3, ResampleFilter::kNearest).pixels, ElementsAre(70, 0, 240));
  EXPECT_THAT(Resample(row, 1, 2, ResampleFilter::kNearest).pixels, ElementsAre(70, 80));
  // Doubled: a quarter of the neighbour.
  EXPECT_THAT(Resample(row, 1, 12).pixels,
              ElementsAre(0, 18, 53, 88, 123, 105, 35, 20, 60, 120, 200, 240));
}

TEST(Resample, KeepsASizeAndConstants) {
  const Picture in = TestPicture(9, 7, 3);
  Picture flat = in;
  std::ranges::fill(flat.pixels, 77);
  for (const FilterCase& test : kCases) {
    EXPECT_EQ(Resample(in, 9, 7, test.filter), in);
    const Picture out = Resample(flat, 4, 13, test.filter);
    EXPECT_EQ(out.pixels, std::vector<uint8_t>(4 * 13 * 3, 77));
  }
}

TEST(Resample, OfARegionIsThatOfTheCutRegion) {
  const Picture in = TestPicture(20, 30, 3);
  const PictureRegion region = {.top = 3, .left = 8, .height = 11, .width = 17};
  EXPECT_EQ(Cut(in, region).pixels[0], in.pixels[(3 * 30 + 8) * 3]);
  for (const ResampleFilter filter : {ResampleFilter::kNearest, ResampleFilter::kBilinear}) {
    EXPECT_EQ(Resample(in, region, 6, 25, filter), Resample(Cut(in, region), 6, 25, filter));
  }
}

TEST(Resample, FiltersHaveNames) {
  for (const FilterCase& test : kCases) {
    EXPECT_EQ(ParseResampleFilter(ToString(test.filter)), test.filter);
  }
  EXPECT_EQ(ParseResampleFilter("hamming"), std::nullopt);
}

}  // namespace
}  // namespace weft
