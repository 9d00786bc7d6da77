#ifndef WEFT_FRONTEND_INSPECT_MAP_PICTURE_H_
#define WEFT_FRONTEND_INSPECT_MAP_PICTURE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "frontend/inspect/color_map.h"
#include "frontend/io/picture.h"
#include "graph/model.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// Which number becomes 0 and which one 1 of a color map.
struct ValueRange {
  double low = 0, high = 1;
  // 0 for `low`, 1 for `high`; 0.5 where all is one number.
  double Place(double value) const;
};
// The least and the largest finite number, or where `symmetric` both with the larger magnitude, so
// that zero is in the middle.
ValueRange RangeOf(std::span<const float> values, bool symmetric);

// A map f32[H,W] in colors, each element a square of `scale` pixels. Errors: another type or rank.
absl::StatusOr<Picture> MapPicture(const Tensor& map, ColorMap colors, const ValueRange& range,
                                   int64_t scale = 1);

struct GridOptions {
  ColorMap colors = ColorMap::kGray;
  bool symmetric = false;  // see RangeOf
  bool each = false;       // each map has a range of its own; false: one for all
  bool rgb = false;        // maps [N,3,H,W] are pictures, their ranges over all channels
  int64_t columns = 0;     // 0: about as many as rows
  int64_t scale = 0;       // pixels an element; 0: a map is 32 pixels or more
  int64_t gap = 1;         // pixels between maps
  uint8_t background = 255;
};

// Maps f32[N,H,W], or [N,3,H,W] for options.rgb, side by side. Errors: another type or rank, no
// map, options below 0, a picture of over 2^26 pixels.
absl::StatusOr<Picture> GridPicture(const Tensor& maps, const GridOptions& options = {});

// A map f32[h,w] over a picture of any size: resized to it (bilinear), drawn in colors and mixed
// with the picture in gray; where the map has no say (0, or of signed maps 0.5 of its range), the
// picture is seen through. Errors: another type or rank.
struct OverlayOptions {
  ColorMap colors = ColorMap::kHeat;
  bool is_signed = false;  // the two colors of kDiverging, the more opaque the further from zero
  double opacity = 0.6;
};
absl::StatusOr<Picture> OverlayPicture(const Picture& picture, const Tensor& map,
                                       const OverlayOptions& options = {});

// A model's input f32[C,H,W] (or [1,C,H,W]) of this preprocessing as it was before normalisation,
// 1 or 3 channels in the order red, green, blue. Errors: another type or size.
absl::StatusOr<Picture> PictureOfInput(const Tensor& x, const Preprocessing& preprocessing);

// Pictures of any sizes side by side, aligned at the top, `gap` white pixels between; gray becomes
// color where one has it.
Picture SideBySide(std::span<const Picture> pictures, int64_t gap = 4);
// The picture with every pixel a square of `scale`.
Picture Enlarged(const Picture& picture, int64_t scale);
// Such that the longer side has `least_pixels` or more.
Picture EnlargedTo(const Picture& picture, int64_t least_pixels);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_MAP_PICTURE_H_
