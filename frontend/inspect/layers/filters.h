#ifndef WEFT_FRONTEND_INSPECT_LAYERS_FILTERS_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_FILTERS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/inspect/map_picture.h"
#include "frontend/io/picture.h"
#include "graph/model.h"
#include "graph/tensor.h"

namespace weft {

// The kernels of a convolution.
struct Filters {
  std::string layer;
  // f32[O,I,H,W] as the layer has them (I of one group), of a transposed one [I,O,H,W]; [O,I,L] of
  // signals, [O,I,D,H,W] of volumes.
  Tensor weights = {};
  bool bgr = false;  // a second axis of 3 is blue, green, red instead of red, green, blue
};

// Those of the node `at`; "": of the first convolution. Conv, ConvTranspose and, of optimized
// graphs, FusedConv. Errors: no such node (with the nearest name), another op, no convolution,
// weights that are no parameters or constants.
absl::StatusOr<Filters> FiltersOf(const Model& model, std::string_view at = {});

enum class FilterLayout {
  kAuto,  // kColors where the second axis is 3, else kPairs of up to kMostFilterPairs, else kMeans
  kColors,  // a picture a filter
  kPairs,   // a row a filter, a map an input
  kMeans,   // a map a filter: the mean over inputs
};
inline constexpr int64_t kMostFilterPairs = 4096;

struct FilterPictureOptions {
  FilterLayout layout = FilterLayout::kAuto;
  bool each = false;               // each kernel has a range of its own; false: one for all
  int64_t columns = 0, scale = 0;  // as in GridOptions; columns not of pairs
};

// What kAuto stands for. Errors: kColors of other than 3 channels.
absl::StatusOr<FilterLayout> LayoutFor(const Filters& filters, FilterLayout wanted);

// The kernels as a grid, zero in the middle of the range: mid gray of colors, else white between
// blue and orange. Signals' kernels are maps of inputs by taps, [I,L]; of volumes' the slices lie
// side by side. Errors: those of GridPicture and LayoutFor; fewer than 3 or more than 5 axes.
absl::StatusOr<Picture> FiltersPicture(const Filters& filters,
                                       const FilterPictureOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_FILTERS_H_
