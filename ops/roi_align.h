#ifndef WEFT_OPS_ROI_ALIGN_H_
#define WEFT_OPS_ROI_ALIGN_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "graph/attribute.h"
#include "graph/op.h"

namespace weft {

// The bins of regions in images [height,width]. A bin is the average of rows x columns points in
// it, spread evenly; each is interpolated between four elements, and 0 more than one off the image:
//
//      x1,y1 +-----+-----+
//            | . . | . . |      output 2x2, sampling_ratio 2
//            | . . | . . |
//            +-----+-----+
//            |     |     |
//            +-----+-----+ x2,y2
struct RoiAligner {
  // Of a node's attributes, and X's dims.
  RoiAligner(const AttributeMap& attributes, std::span<const int64_t> x)
      : bins_y(GetInt(attributes, "output_height")),
        bins_x(GetInt(attributes, "output_width")),
        ratio(GetInt(attributes, "sampling_ratio")),
        scale(GetFloat(attributes, "spatial_scale")),
        half_pixel(GetString(attributes, "coordinate_transformation_mode") == "half_pixel"),
        channels(x[1]),
        height(x[2]),
        width(x[3]) {}

  // How a region lies along one axis.
  struct Span {
    double start = 0, bin = 0;
    int64_t samples = 0;  // a bin
    double At(int64_t i, int64_t sample) const {
      return start + bin * (static_cast<double>(i) +
                            (static_cast<double>(sample) + 0.5) / static_cast<double>(samples));
    }
  };
  Span SpanOf(double from, double to, int64_t bins) const {
    const double offset = half_pixel ? 0.5 : 0, start = from * scale - offset;
    double length = to * scale - offset - start;
    if (!half_pixel) length = std::max(length, 1.0);
    Span span{.start = start, .bin = length / static_cast<double>(bins)};
    const double adaptive = std::ceil(span.bin);
    span.samples = ratio > 0 ? ratio : adaptive >= 1 ? static_cast<int64_t>(adaptive) : 0;
    return span;
  }

  // The two elements that a place along an axis is between; both are the last one at the end.
  struct Between {
    int64_t low = 0, high = 0;
    double part = 0;  // of the high one
    bool outside = false;
  };
  static Between Neighbors(double at, int64_t extent) {
    if (!(at >= -1 && at <= static_cast<double>(extent)) || extent == 0) return {.outside = true};
    at = std::clamp(at, 0.0, static_cast<double>(extent - 1));
    const auto low = static_cast<int64_t>(at);
    return {low, std::min(low + 1, extent - 1), at - static_cast<double>(low)};
  }

  // f(offset in the plane, weight) for what bin (by, bx) of the region is the sum of.
  template <typename F>
  void ForEachTap(const Span& y, const Span& x, int64_t by, int64_t bx, const F& f) const {
    const double share = 1 / static_cast<double>(std::max<int64_t>(y.samples * x.samples, 1));
    for (int64_t i = 0; i < y.samples; ++i) {
      const Between row = Neighbors(y.At(by, i), height);
      for (int64_t j = 0; j < x.samples && !row.outside; ++j) {
        const Between column = Neighbors(x.At(bx, j), width);
        if (column.outside) continue;
        const double low = share * (1 - row.part), high = share * row.part;
        f(row.low * width + column.low, low * (1 - column.part));
        f(row.low * width + column.high, low * column.part);
        f(row.high * width + column.low, high * (1 - column.part));
        f(row.high * width + column.high, high * column.part);
      }
    }
  }

  int64_t bins_y, bins_x, ratio;
  double scale;
  bool half_pixel;
  int64_t channels, height, width;
};

// Errors: a region of an image that is not there, one that is not finite or takes too many points.
absl::Status CheckRegions(const RoiAligner& aligner, const TensorView& rois,
                          const TensorView& images, int64_t batch);

}  // namespace weft

#endif  // WEFT_OPS_ROI_ALIGN_H_
