#include "graph/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace weft {
namespace {

float F16ToFloat(uint16_t bits) { return static_cast<float>(Half::FromBits(bits)); }
uint16_t FloatToF16(float value) { return Half(value).bits; }
float BF16ToFloat(uint16_t bits) { return static_cast<float>(BFloat16::FromBits(bits)); }
uint16_t FloatToBF16(float value) { return BFloat16(value).bits; }

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Half, F16HasTheValuesOfIeee754) {
  EXPECT_EQ(F16ToFloat(0x3c00), 1.0f);
  EXPECT_EQ(F16ToFloat(0xc000), -2.0f);
  EXPECT_EQ(F16ToFloat(0x3555), 0.333251953125f);
  EXPECT_EQ(F16ToFloat(0x7bff), 65504.0f);
  EXPECT_EQ(F16ToFloat(0x0400), 0x1p-14f);    // the least normal number
  EXPECT_EQ(F16ToFloat(0x03ff), 0x3ffp-24f);  // the largest subnormal one
  EXPECT_EQ(F16ToFloat(0x8001), -0x1p-24f);
  EXPECT_EQ(F16ToFloat(0x7c00), kInf);
  EXPECT_EQ(F16ToFloat(0xfc00), -kInf);
  EXPECT_TRUE(std::isnan(F16ToFloat(0x7c01)));
  EXPECT_EQ(F16ToFloat(0x8000), 0.0f);
  EXPECT_TRUE(std::signbit(F16ToFloat(0x8000)));
}

// All 65,536 values: to float, compared with the definition, and back.
TEST(Half, EveryF16IsExactAndComesBack) {
  for (uint32_t i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const float value = F16ToFloat(bits);
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_EQ(FloatToF16(value), bits | 0x200) << i;  // quiet
      continue;
    }
    const double magnitude = exponent == 31  ? INFINITY
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    ASSERT_EQ(value, bits >> 15 ? -magnitude : magnitude) << i;
    ASSERT_EQ(FloatToF16(value), bits) << i;
  }
}

// Between any two neighbours: the middle goes to the even one, what is beside it to the nearer.
TEST(Half, FloatToF16RoundsToNearestEven) {
  for (uint32_t i = 0; i < 0x7bff; ++i) {
    const auto below = static_cast<uint16_t>(i);
    const auto above = static_cast<uint16_t>(i + 1);
    const float middle = (F16ToFloat(below) + F16ToFloat(above)) / 2;  // exact
    ASSERT_EQ(FloatToF16(middle), i % 2 == 0 ? below : above) << i;
    ASSERT_EQ(FloatToF16(std::nextafter(middle, 0.0f)), below) << i;
    ASSERT_EQ(FloatToF16(std::nextafter(middle, kInf)), above) << i;
    ASSERT_EQ(FloatToF16(-middle), 0x8000 | (i % 2 == 0 ? below : above)) << i;
  }
}

TEST(Half, FloatToF16BecomesInfiniteFromTheMiddleAboveTheLargest) {
  EXPECT_EQ(FloatToF16(65519.996f), 0x7bff);
  EXPECT_EQ(FloatToF16(65520.0f), 0x7c00);
  EXPECT_EQ(FloatToF16(3e38f), 0x7c00);
  EXPECT_EQ(FloatToF16(-kInf), 0xfc00);
  EXPECT_EQ(FloatToF16(1e-40f), 0x0000);
  EXPECT_EQ(FloatToF16(-0.0f), 0x8000);
}

TEST(Half, NaNsStayNaNsWhateverTheirPayload) {
  for (uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u}) {
    const auto nan = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(nan)))) << bits;
    EXPECT_TRUE(std::isnan(BF16ToFloat(FloatToBF16(nan)))) << bits;
    EXPECT_EQ(FloatToF16(nan) >> 15, bits >> 31);
    EXPECT_EQ(FloatToBF16(nan) >> 15, bits >> 31);
  }
}

TEST(Half, EveryBF16IsAFloatsUpperHalfAndComesBack) {
  EXPECT_EQ(BF16ToFloat(0x3f80), 1.0f);
  EXPECT_EQ(BF16ToFloat(0xc049), -3.140625f);
  for (uint32_t i = 0; i < 65536; ++i) {
    const float value = BF16ToFloat(static_cast<uint16_t>(i));
    if (std::isnan(value)) {
      EXPECT_EQ(FloatToBF16(value), i | 0x40);  // quiet
      continue;
    }
    ASSERT_EQ(FloatToBF16(value), i);
  }
}

TEST(Half, FloatToBF16RoundsToNearestEven) {
  EXPECT_EQ(FloatToBF16(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(FloatToBF16(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(FloatToBF16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(FloatToBF16(std::bit_cast<float>(0x3f817fffu)), 0x3f81);
  EXPECT_EQ(FloatToBF16(std::bit_cast<float>(0x00000001u)), 0x0000);
  EXPECT_EQ(FloatToBF16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(FloatToBF16(-kInf), 0xff80);
}

}  // namespace
}  // namespace weft
