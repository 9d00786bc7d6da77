#include "frontend/inspect/color_map.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace weft {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr Rgb kNoNumber = {128, 128, 128};

// OKLab in polar form: lightness, chroma, and hue in degrees.
struct Oklch {
  double lightness = 0, chroma = 0, hue = 0;
};

uint8_t SrgbByte(double linear) {
  const double x = std::clamp(linear, 0.0, 1.0);
  const double encoded = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255 * encoded));
}

// Ottosson's matrices.
std::array<double, 3> LinearRgb(const Oklch& color) {
  const double radians = color.hue * kPi / 180;
  const double a = color.chroma * std::cos(radians), b = color.chroma * std::sin(radians);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(color.lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(color.lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(color.lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

bool IsShown(const std::array<double, 3>& linear) {
  return std::ranges::all_of(linear, [](double x) { return x >= -1e-9 && x <= 1 + 1e-9; });
}

// Of the color's lightness and hue, the most colorful up to its chroma that a screen shows.
Rgb ToRgb(Oklch color) {
  if (!IsShown(LinearRgb(color))) {
    double low = 0, high = color.chroma;
    for (int i = 0; i < 20; ++i) {
      color.chroma = (low + high) / 2;
      (IsShown(LinearRgb(color)) ? low : high) = color.chroma;
    }
    color.chroma = low;
  }
  const auto linear = LinearRgb(color);
  return {SrgbByte(linear[0]), SrgbByte(linear[1]), SrgbByte(linear[2])};
}

Oklch Heat(double x) {
  return {.lightness = 0.16 + 0.8 * x,
          .chroma = 0.19 * std::sin(kPi * (0.08 + 0.84 * x)),
          .hue = 275 + 190 * x};
}

Oklch Diverging(double x) {
  const double distance = std::abs(2 * x - 1);
  return {
      .lightness = 0.97 - 0.5 * distance, .chroma = 0.17 * distance, .hue = x < 0.5 ? 255.0 : 50.0};
}

}  // namespace

Rgb ColorOf(ColorMap map, double value) {
  if (std::isnan(value)) return kNoNumber;
  const double x = std::clamp(value, 0.0, 1.0);
  switch (map) {
    case ColorMap::kHeat:
      return ToRgb(Heat(x));
    case ColorMap::kDiverging:
      return ToRgb(Diverging(x));
    case ColorMap::kGray:
      break;
  }
  const auto level = static_cast<uint8_t>(std::lround(255 * x));
  return {level, level, level};
}

std::string HexText(const Rgb& color) {
  char text[8];
  std::snprintf(text, sizeof(text), "#%02x%02x%02x", color[0], color[1], color[2]);
  return text;
}

}  // namespace weft
