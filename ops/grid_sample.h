#ifndef WEFT_OPS_GRID_SAMPLE_H_
#define WEFT_OPS_GRID_SAMPLE_H_

#include <array>
#include <cstdint>
#include <span>

#include "graph/attribute.h"
#include "graph/op.h"

namespace weft {

// An element of a plane that a sampled point is made of, and how much of it.
struct SampleTap {
  int64_t offset = 0;
  double weight = 0;
};

// Where the points of a grid lie in the planes of X [N,C,spatial..], and what they are made of. A
// component g of a point goes its way for itself; the weights of the axes are multiplied:
//
//    g      -1 ........ 1         from the first element to the last (align_corners), or from the
//    at    0 .. extent-1          first one's outer edge to the last one's
//    taps   [low]  at  [low+1]    weights by the distance; outside, what padding_mode says
class GridSampler {
 public:
  static constexpr int kMostAxes = 3;
  static constexpr int kMostTaps = 64;  // cubic: 4 an axis
  using Taps = std::array<SampleTap, kMostTaps>;
  using Point = std::array<double, kMostAxes>;  // x, y, z: the last axis first

  // Of a node's attributes, and X's dims.
  GridSampler(const AttributeMap& attributes, std::span<const int64_t> x);

  int axes() const { return axes_; }
  // Fills in what a point is made of and returns how many there are: none outside.
  int TapsAt(const Point& point, Taps& taps) const { return Collect(point, -1, taps); }
  // The same with derivatives in place of weights, in component `k` of the point.
  int SlopesAt(const Point& point, int k, Taps& taps) const {
    return Collect(point, axes_ - 1 - k, taps);
  }
  // Point number `i` of a grid.
  template <typename T>
  Point PointOf(const T* grid, int64_t i) const {
    Point point = {};
    for (int k = 0; k < axes_; ++k) point[static_cast<size_t>(k)] = grid[i * axes_ + k];
    return point;
  }

 private:
  enum class Mode { kNearest, kLinear, kCubic };
  enum class Padding { kZeros, kBorder, kReflection };
  struct AxisTap {
    int64_t index = 0;
    double weight = 0, slope = 0;
  };
  struct AxisTaps {
    int count = 0;
    std::array<AxisTap, 4> taps = {};
  };

  int Collect(const Point& point, int differentiated, Taps& taps) const;
  AxisTaps AxisAt(size_t axis, double g) const;
  // `at` as padding moves it into the axis, and the slope by which it follows.
  double Pad(double at, int64_t extent, double& slope) const;

  Mode mode_ = Mode::kLinear;
  Padding padding_ = Padding::kZeros;
  bool align_corners_ = false;
  int axes_ = 0;
  std::array<int64_t, kMostAxes> extents_ = {};
};

// The sizes of GridSample's operands: X [images,channels,plane], points in each image's grid.
struct GridSampleSizes {
  int64_t images = 0, channels = 0, plane = 1, points = 1;
};
GridSampleSizes GridSampleSizesOf(std::span<const int64_t> x, std::span<const int64_t> grid);

// The gradient of the components [begin, end) of all points: what they change in the interpolated
// elements, times dY, summed over the channels.
template <typename T>
void SumSlopes(const GridSampler& sampler, const GridSampleSizes& s, const T* dy, const T* x,
               const T* grid, int64_t begin, int64_t end, T* gradient) {
  GridSampler::Taps taps;
  for (int64_t at = begin; at < end; ++at) {
    const int64_t point = at / sampler.axes(), image = point / s.points;
    const int count =
        sampler.SlopesAt(sampler.PointOf(grid, point), static_cast<int>(at % sampler.axes()), taps);
    double sum = 0;
    for (int64_t plane = image * s.channels; plane < (image + 1) * s.channels; ++plane) {
      double slope = 0;
      for (int k = 0; k < count; ++k) {
        const SampleTap& tap = taps[static_cast<size_t>(k)];
        slope += tap.weight * static_cast<double>(x[plane * s.plane + tap.offset]);
      }
      sum += slope * static_cast<double>(dy[plane * s.points + point % s.points]);
    }
    gradient[at] = static_cast<T>(sum);
  }
}

}  // namespace weft

#endif  // WEFT_OPS_GRID_SAMPLE_H_
