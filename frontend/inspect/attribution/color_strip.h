#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_COLOR_STRIP_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_COLOR_STRIP_H_

#include <span>
#include <string>

#include "frontend/inspect/color_map.h"

namespace weft {

// A rectangle of an SVG, in pixels.
struct SvgBox {
  double x = 0, y = 0, width = 0, height = 0;
};

// Numbers in [0,1] as a strip of as many cells from left to right, in colors of 65 levels: elements
// of an SVG, one an occurring level, so that a strip of thousands stays small. NaN is left out.
std::string ColorStripSvg(std::span<const double> numbers, ColorMap colors, const SvgBox& box);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_COLOR_STRIP_H_
