#ifndef WEFT_FRONTEND_INSPECT_DATA_SCATTER_PLOT_H_
#define WEFT_FRONTEND_INSPECT_DATA_SCATTER_PLOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/io/picture.h"
#include "frontend/watch/plot.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// Points of classes. Classes are told apart by a color that color-blind eyes see and by a mark:
// the first 56 have pairs of their own.
struct Scatter {
  Tensor coordinates = {};                    // f32[N,k], of which the first two columns are drawn
  std::vector<int64_t> classes = {};          // one a point, or none
  std::vector<std::string> class_names = {};  // "class 7" where there is none
  std::vector<int64_t> numbers = {};          // what points are called in titles; none: by row
};

// An SVG file's text with axes, a legend, and for each point a title: its number and its class.
// Errors, of all three: coordinates of another type or fewer columns, classes that are not one a
// point or below 0, numbers that are not one a point.
absl::StatusOr<std::string> ScatterSvg(const Scatter& scatter, const PlotOptions& options);
// The same as a picture without axes, `side` pixels each way.
absl::StatusOr<Picture> ScatterPicture(const Scatter& scatter, int64_t side = 480);
// And for a terminal, lines of `columns` characters: each stands for the class of most points
// there, 0 to 9, a to z, A to Z and * for all above, as lines below say; points without classes are
// o.
absl::StatusOr<std::string> ScatterText(const Scatter& scatter, int64_t columns = 72,
                                        int64_t rows = 24);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_SCATTER_PLOT_H_
