#ifndef WEFT_FRONTEND_IO_RESAMPLE_H_
#define WEFT_FRONTEND_IO_RESAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "frontend/io/picture.h"

namespace weft {

// How a new pixel comes from the old ones. All but nearest are antialiased: the filter is as wide
// as the new pixels where the picture shrinks.
enum class ResampleFilter { kNearest, kBox, kBilinear, kBicubic, kLanczos };
std::string_view ToString(ResampleFilter filter);
std::optional<ResampleFilter> ParseResampleFilter(std::string_view name);

// One axis of a resize, of whatever values: output i is the sum of the count[i] inputs from
// first[i] on, times the weights from i * taps on, which add to 1.
struct ResampleAxis {
  size_t taps = 0;
  std::vector<size_t> first = {};
  std::vector<size_t> count = {};
  std::vector<double> weights = {};
};
ResampleAxis MakeResampleAxis(ResampleFilter filter, int64_t from, int64_t to);

// Part of a picture, in pixels.
struct PictureRegion {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;
  friend bool operator==(const PictureRegion&, const PictureRegion&) = default;
};

// The picture at another size, as Pillow's Image.resize makes it: columns first, then rows, each
// rounded to bytes, with weights of 22 bits (src/libImaging/Resample.c); bicubic has a = -0.5.
// Extents are above 0.
Picture Resample(const Picture& picture, int64_t height, int64_t width,
                 ResampleFilter filter = ResampleFilter::kBilinear);
// The same of a region inside the picture: what is outside it has no influence.
Picture Resample(const Picture& picture, const PictureRegion& region, int64_t height, int64_t width,
                 ResampleFilter filter = ResampleFilter::kBilinear);

// The region alone.
Picture Cut(const Picture& picture, const PictureRegion& region);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_RESAMPLE_H_
