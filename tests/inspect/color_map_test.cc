#include "frontend/inspect/color_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace weft {
namespace {

// OKLab's lightness of a color, from its bytes.
double LightnessOf(const Rgb& color) {
  double linear[3];
  for (size_t c = 0; c < 3; ++c) {
    const double x = color[c] / 255.0;
    linear[c] = x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  }
  const auto cone = [&](double r, double g, double b) {
    return std::cbrt(r * linear[0] + g * linear[1] + b * linear[2]);
  };
  return 0.2104542553 * cone(0.4122214708, 0.5363325363, 0.0514459929) +
         0.7936177850 * cone(0.2119034982, 0.6806995451, 0.1073969566) -
         0.0040720468 * cone(0.0883024619, 0.2817188376, 0.6299787005);
}

TEST(ColorMap, HeatGrowsEvenlyInLightness) {
  for (int i = 0; i <= 20; ++i) {
    const double x = i / 20.0;
    EXPECT_NEAR(LightnessOf(ColorOf(ColorMap::kHeat, x)), 0.16 + 0.8 * x, 0.01) << x;
  }
}

TEST(ColorMap, DivergingIsAsLightOnBothSides) {
  for (int i = 0; i <= 10; ++i) {
    const double x = i / 20.0;
    EXPECT_NEAR(LightnessOf(ColorOf(ColorMap::kDiverging, x)),
                LightnessOf(ColorOf(ColorMap::kDiverging, 1 - x)), 0.01)
        << x;
    EXPECT_NEAR(LightnessOf(ColorOf(ColorMap::kDiverging, x)), 0.47 + x, 0.01) << x;
  }
  const Rgb low = ColorOf(ColorMap::kDiverging, 0), high = ColorOf(ColorMap::kDiverging, 1);
  EXPECT_GT(low[2], low[0]);    // blue
  EXPECT_GT(high[0], high[2]);  // orange
}

TEST(ColorMap, NumbersOutsideAreClamped) {
  EXPECT_EQ(ColorOf(ColorMap::kGray, -1), (Rgb{0, 0, 0}));
  EXPECT_EQ(ColorOf(ColorMap::kGray, 2), (Rgb{255, 255, 255}));
  EXPECT_EQ(ColorOf(ColorMap::kGray, 0.5), (Rgb{128, 128, 128}));
  EXPECT_EQ(ColorOf(ColorMap::kHeat, std::numeric_limits<double>::quiet_NaN()),
            (Rgb{128, 128, 128}));
}

TEST(ColorMap, HexTextIsCss) { EXPECT_EQ(HexText({0, 171, 255}), "#00abff"); }

}  // namespace
}  // namespace weft
