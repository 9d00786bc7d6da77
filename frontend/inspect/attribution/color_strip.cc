#include "frontend/inspect/attribution/color_strip.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr int kStripLevels = 65;  // odd: one is that of 0.5

int StripLevel(double number) {
  if (std::isnan(number)) return -1;
  return static_cast<int>(std::lround(std::clamp(number, 0.0, 1.0) * (kStripLevels - 1)));
}

// As SVG needs it: a hundredth of a pixel.
double Hundredths(double x) { return std::round(100 * x) / 100; }

}  // namespace

std::string ColorStripSvg(std::span<const double> numbers, ColorMap colors, const SvgBox& box) {
  std::array<std::string, kStripLevels> paths;
  const double cell = box.width / static_cast<double>(numbers.size());
  for (size_t first = 0, end = 0; first < numbers.size(); first = end) {
    const int level = StripLevel(numbers[first]);
    for (end = first + 1; end < numbers.size() && StripLevel(numbers[end]) == level;) ++end;
    if (level < 0) continue;
    const double left = Hundredths(box.x + cell * static_cast<double>(first));
    absl::StrAppend(&paths[static_cast<size_t>(level)], "M", left, " ", Hundredths(box.y), "H",
                    Hundredths(box.x + cell * static_cast<double>(end)), "v",
                    Hundredths(box.height), "H", left, "z");
  }
  // Without antialiasing, which would mix the borders of cells with white.
  std::string text = "<g shape-rendering=\"crispEdges\">\n";
  for (size_t level = 0; level < paths.size(); ++level) {
    if (paths[level].empty()) continue;
    const Rgb color = ColorOf(colors, static_cast<double>(level) / (kStripLevels - 1));
    absl::StrAppend(&text, "<path fill=\"", HexText(color), "\" d=\"", paths[level], "\"/>\n");
  }
  return text + "</g>\n";
}

}  // namespace weft
