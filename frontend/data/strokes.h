#ifndef WEFT_FRONTEND_DATA_STROKES_H_
#define WEFT_FRONTEND_DATA_STROKES_H_

#include <span>
#include <vector>

namespace weft {

// x to the right, y down; a glyph is about 2 high (y from -1 to 1) and 1.2 wide around (0, 0).
struct Point {
  float x = 0;
  float y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

// Control points that a smooth curve goes through; a point given twice in a row is a corner.
using Stroke = std::vector<Point>;
// One way of writing a digit.
using Glyph = std::vector<Stroke>;

// The ways in which people write `digit`, 0 to 9; at least two each.
std::span<const Glyph> GlyphsOf(int digit);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_STROKES_H_
