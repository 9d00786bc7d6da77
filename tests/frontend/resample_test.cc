#include "frontend/io/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "frontend/io/decode.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

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

// One axis by the definition, in doubles and rounded to bytes: a filter centred on each new pixel,
// stretched where the line shrinks, over the middles of the old pixels.
std::vector<double> ExactLine(const std::vector<double>& in, int64_t size, double support,
                              const std::function<double(double)>& filter) {
  const double scale = static_cast<double>(in.size()) / static_cast<double>(size);
  const double widening = std::max(scale, 1.0);
  std::vector<double> out;
  for (int64_t x = 0; x < size; ++x) {
    double sum = 0, weights = 0;
    for (size_t j = 0; j < in.size(); ++j) {
      const double distance =
          (static_cast<double>(j) + 0.5 - (static_cast<double>(x) + 0.5) * scale) / widening;
      if (std::abs(distance) > support) continue;
      weights += filter(distance);
      sum += filter(distance) * in[j];
    }
    out.push_back(std::round(std::clamp(sum / weights, 0.0, 255.0)));
  }
  return out;
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

// Columns first, then rows, as Pillow has it.
std::vector<double> Exact(const Picture& in, int64_t height, int64_t width, const FilterCase& test,
                          int64_t channel) {
  std::vector<std::vector<double>> rows;
  for (int64_t y = 0; y < in.height; ++y) {
    std::vector<double> line;
    for (int64_t x = 0; x < in.width; ++x) {
      line.push_back(in.pixels[static_cast<size_t>((y * in.width + x) * in.channels + channel)]);
    }
    rows.push_back(ExactLine(line, width, test.support, test.f));
  }
  std::vector<double> out(static_cast<size_t>(height * width));
  for (size_t x = 0; x < static_cast<size_t>(width); ++x) {
    std::vector<double> line;
    for (const std::vector<double>& row : rows) line.push_back(row[x]);
    line = ExactLine(line, height, test.support, test.f);
    for (size_t y = 0; y < line.size(); ++y) out[y * static_cast<size_t>(width) + x] = line[y];
  }
  return out;
}

TEST(Resample, IsWithinOneGrayLevelOfTheDefinition) {
  for (const FilterCase& test : kCases) {
    for (const int64_t channels : {1, 3}) {
      const Picture in = TestPicture(23, 31, channels);
      for (const auto& [height, width] :
           {std::pair<int64_t, int64_t>{10, 14}, {40, 50}, {23, 7}, {60, 31}, {1, 1}, {11, 62}}) {
        const Picture out = Resample(in, height, width, test.filter);
        ASSERT_EQ(out.pixels.size(), static_cast<size_t>(height * width * channels));
        for (int64_t c = 0; c < channels; ++c) {
          const std::vector<double> exact = Exact(in, height, width, test, c);
          for (size_t i = 0; i < exact.size(); ++i) {
            EXPECT_NEAR(out.pixels[i * static_cast<size_t>(channels) + static_cast<size_t>(c)],
                        exact[i], 1)
                << ToString(test.filter) << " to " << height << "x" << width << " at " << i;
          }
        }
      }
    }
  }
}

// What Pillow 9.4.0 made of the same pictures; tests/golden/resize/make.py has the sizes.
TEST(Resample, IsWithinOneGrayLevelOfPillow) {
  const std::filesystem::path folder = WEFT_SOURCE_DIR "/tests/golden/resize";
  std::map<std::string, int> pictures;  // by filter
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    const std::vector<std::string> parts = absl::StrSplit(name, '-');  // source, filter, size
    if (parts.size() != 3) continue;
    const auto source = LoadPicture(folder / (parts[0] + ".png")),
               pillow = LoadPicture(entry.path());
    const std::optional<ResampleFilter> filter = ParseResampleFilter(parts[1]);
    ASSERT_TRUE(source.ok() && pillow.ok() && filter) << name;
    const Picture ours = Resample(*source, pillow->height, pillow->width, *filter);
    ASSERT_EQ(ours.pixels.size(), pillow->pixels.size()) << name;
    int most = 0;
    for (size_t i = 0; i < ours.pixels.size(); ++i) {
      most = std::max(most, std::abs(ours.pixels[i] - pillow->pixels[i]));
    }
    EXPECT_LE(most, filter == ResampleFilter::kNearest ? 0 : 1) << name;
    ++pictures[parts[1]];
  }
  EXPECT_THAT(pictures,
              UnorderedElementsAre(Pair("nearest", 14), Pair("box", 14), Pair("bilinear", 14),
                                   Pair("bicubic", 14), Pair("lanczos", 14)));
}

// By hand: shrinking by two with a triangle of half-width 2 weighs 1/8 3/8 3/8 1/8 inside and 3/7
// 3/7 1/7 at the border.
TEST(Resample, HasTheValuesComputedByHand) {
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
