// Numbers that come in parts.
#include "frontend/inspect/running_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "frontend/inspect/layers/histogram_svg.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RunningStatistics, OfWholeNumbersByHand) {
  RunningStatistics s;
  s.Add(std::vector<float>{1, 2, 3});
  s.Add(std::vector<float>{-4, 0, NAN, INFINITY, -INFINITY});
  EXPECT_EQ(s.count(), 8);
  EXPECT_EQ(s.nan(), 1);
  EXPECT_EQ(s.infinite(), 2);
  EXPECT_EQ(s.zeros(), 1);
  EXPECT_DOUBLE_EQ(s.mean(), 0.4);
  EXPECT_DOUBLE_EQ(s.deviation(), std::sqrt(30.0 / 5 - 0.16));
  EXPECT_DOUBLE_EQ(s.norm(), std::sqrt(30.0));
  EXPECT_EQ(s.low(), -4);
  EXPECT_EQ(s.high(), 3);
}

// A naive sum of squares of these loses all digits in f32, and half of them in f64.
TEST(RunningStatistics, LargeMeansCostNoDigits) {
  RunningStatistics s;
  for (int part = 0; part < 100; ++part) s.Add(std::vector<float>{16777214, 16777216});
  EXPECT_DOUBLE_EQ(s.mean(), 16777215);
  EXPECT_DOUBLE_EQ(s.deviation(), 1);
}

TEST(RunningStatistics, HistogramIsTheSameInAnyParts) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) {
    values.push_back(static_cast<float>(std::sin(i) * std::exp(0.005 * i - 2)));
  }
  RunningStatistics whole, forwards, backwards;
  whole.Add(values);
  for (const float v : values) forwards.Add({&v, 1});
  for (size_t i = values.size(); i-- > 0;) backwards.Add({&values[i], 1});
  const Histogram h = whole.histogram();
  for (const auto& s : {forwards, backwards}) {
    EXPECT_EQ(s.histogram().counts, h.counts);
    EXPECT_EQ(s.histogram().low, h.low);
    EXPECT_EQ(s.histogram().width, h.width);
    EXPECT_NEAR(s.mean(), whole.mean(), 1e-12);
    EXPECT_NEAR(s.deviation(), whole.deviation(), 1e-12);
  }
  EXPECT_EQ(std::accumulate(h.counts.begin(), h.counts.end(), int64_t{0}), 1000);
  for (size_t i = 0; i < h.counts.size(); ++i) {
    const double low = h.low + h.width * static_cast<double>(i);
    EXPECT_EQ(h.counts[i], std::count_if(values.begin(), values.end(),
                                         [&](float v) { return v >= low && v < low + h.width; }));
  }
}

// Of numbers below 4 bins are 4 / 128 wide.
TEST(RunningStatistics, BinsArePowersOfTwoAroundZero) {
  RunningStatistics s;
  s.Add(std::vector<float>{0, 0.03f, 0.04f, -0.01f});
  s.Add(std::vector<float>{3});
  const Histogram h = s.histogram();
  EXPECT_EQ(h.width, 0.03125);
  EXPECT_EQ(h.low, -0.03125);
  EXPECT_EQ(h.counts.size(), 98u);
  EXPECT_THAT(std::vector<int64_t>(h.counts.begin(), h.counts.begin() + 3), ElementsAre(1, 2, 1));
  EXPECT_EQ(h.counts.back(), 1);
}

TEST(RunningStatistics, NothingAndZerosAlone) {
  RunningStatistics s;
  EXPECT_TRUE(s.histogram().counts.empty());
  s.Add(std::vector<float>{NAN});
  EXPECT_TRUE(s.histogram().counts.empty());
  EXPECT_EQ(s.deviation(), 0);
  s.Add(std::vector<float>{0, 0});
  EXPECT_THAT(s.histogram().counts, ElementsAre(2));
  s.Add(std::vector<float>{std::numeric_limits<float>::max(),
                           std::numeric_limits<float>::denorm_min()});
  EXPECT_EQ(s.histogram().counts[0], 3);
}

TEST(RunningStatistics, CoarserBinsBeginAtEvenOnes) {
  // Bins of 0.5 from -1.5: the pair of the first begins at -2.
  const Histogram h = Coarsened({.low = -1.5, .width = 0.5, .counts = {1, 2, 3, 4}}, 3);
  EXPECT_EQ(h.low, -2);
  EXPECT_EQ(h.width, 1);
  EXPECT_EQ(h.high(), 1);
  EXPECT_THAT(h.counts, ElementsAre(1, 5, 4));
  EXPECT_THAT(Coarsened(h, 3).counts, ElementsAre(1, 5, 4));
}

TEST(HistogramsSvg, SaysNamesAndRanges) {
  RunningStatistics s;
  s.Add(std::vector<float>{-1, 0.5f, 0.5f});
  const std::string svg =
      HistogramsSvg({{{"a<b", "note", s.histogram()}, {"none", "", {}}}}, {.title = "T"});
  EXPECT_THAT(svg, HasSubstr("a&lt;b"));
  EXPECT_THAT(svg, HasSubstr(">note<"));
  EXPECT_THAT(svg, HasSubstr(">-1<"));
  EXPECT_THAT(svg, HasSubstr("no finite numbers"));
}

}  // namespace
}  // namespace weft
