#ifndef WEFT_FRONTEND_INSPECT_LAYERS_CONTOURS_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_CONTOURS_H_

#include <array>
#include <span>
#include <string>
#include <vector>

#include "graph/tensor.h"

namespace weft {

// A piece of a contour, from (x0, y0) to (x1, y1), in columns and rows of the grid.
struct ContourPiece {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

// Where values [rows,columns] are `level`, by linear interpolation along the edges of each square
// of four (marching squares; of a saddle the mean of its corners decides). Squares with a number
// that is not finite have none.
std::vector<ContourPiece> Contour(const Tensor& values, double level);

struct ContourOptions {
  std::string title = {}, x_label = {}, y_label = {};
  int levels = 12;   // contours
  bool log = false;  // levels and colors by logarithms, of values above 0
  int size = 480;    // of the plane's side, in pixels
};

// Values f64[rows,columns] over a plane, an SVG file's text, self-contained: colors from dark, the
// least, to light, contours, and a legend of their levels. `x` are the columns' numbers, `y` the
// rows', both ascending and evenly spaced, rows upwards. Errors: other types, numbers of another
// count, fewer than 2 rows or columns, no finite value.
absl::StatusOr<std::string> ContourSvg(std::span<const double> x, std::span<const double> y,
                                       const Tensor& values, const ContourOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_CONTOURS_H_
