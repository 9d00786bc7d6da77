#ifndef WEFT_FRONTEND_INSPECT_COLOR_MAP_H_
#define WEFT_FRONTEND_INSPECT_COLOR_MAP_H_

#include <array>
#include <cstdint>
#include <string>

namespace weft {

using Rgb = std::array<uint8_t, 3>;

// Colors for numbers, perceptually uniform: equal differences of the number are equal differences
// of lightness in OKLab (Ottosson, "A perceptual color space for image processing", 2020), so that
// they are told apart in gray and by color-blind eyes.
enum class ColorMap {
  kGray,       // 0 black, 1 white
  kHeat,       // 0 dark blue, over purple and orange, 1 pale yellow
  kDiverging,  // 0 blue, 0.5 nearly white, 1 orange: for signed numbers, 0.5 being none
};

// The color of `value`, clamped to [0,1]; mid gray for NaN.
Rgb ColorOf(ColorMap map, double value);
// "#rrggbb"
std::string HexText(const Rgb& color);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_COLOR_MAP_H_
