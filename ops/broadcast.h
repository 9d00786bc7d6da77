#ifndef WEFT_OPS_BROADCAST_H_
#define WEFT_OPS_BROADCAST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/type.h"

namespace weft {

// The one of two dims that must be the same extent which says more: a number, else the shorter
// formula. Whether they are the same shows when symbols are bound and types are inferred again.
Dim AgreedDim(const Dim& a, const Dim& b);
// Whether no axis is known to differ.
bool MayBeEqual(const Shape& a, const Shape& b);

// NumPy's broadcasting: shapes are aligned at their last axes, a missing axis counts as 1, and two
// dims agree when they are equal or one of them is 1. Other symbols may turn out to be equal: the
// result has the agreed dim. Errors show both shapes and the dims that disagree.
absl::StatusOr<Shape> BroadcastShapes(const Shape& a, const Shape& b);
absl::StatusOr<Dims> BroadcastDims(std::span<const int64_t> a, std::span<const int64_t> b);

// Whether `from` broadcasts to exactly `to`, whatever the symbols are.
bool BroadcastsTo(const Shape& from, const Shape& to);
// Whether it may: no axis is known to differ.
bool MayBroadcastTo(const Shape& from, const Shape& to);

// Elements between neighbours along each axis of a dense row-major array.
std::vector<int64_t> RowMajorStrides(std::span<const int64_t> dims);

// The strides with which an operand of dims `from`, which broadcasts to `to`, is read along the
// axes of `to`: 0 along axes that are broadcast.
std::vector<int64_t> BroadcastStrides(std::span<const int64_t> from, std::span<const int64_t> to);

// Loops over a row-major result whose operands are read with strides, 0 where they are broadcast.
// Axes are merged where all strides allow it; the last strides are 0 or 1.
struct Loops {
  Dims dims;
  std::vector<Dims> strides;  // of each operand, one for every axis

  int64_t size() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
  int64_t step(size_t operand) const { return strides[operand].back(); }
};

Loops MergeAxes(const Dims& dims, const std::vector<Dims>& strides);
// Calls f(i, offsets) for every index of `dims` in row-major order: `i` counts from 0, offsets[k]
// is the sum of index[axis] * strides[k][axis].
template <size_t K, typename F>
void ForEachOffset(std::span<const int64_t> dims,
                   const std::array<std::vector<int64_t>, K>& strides, F&& f) {
  for (int64_t d : dims) {
    if (d == 0) return;
  }
  std::array<int64_t, K> start = {};
  if (dims.empty()) {
    f(int64_t{0}, start);
    return;
  }
  const size_t last = dims.size() - 1;
  std::vector<int64_t> index(dims.size(), 0);
  int64_t i = 0;
  while (true) {
    std::array<int64_t, K> offsets = start;
    for (int64_t j = 0; j < dims[last]; ++j) {
      f(i++, offsets);
      for (size_t k = 0; k < K; ++k) offsets[k] += strides[k][last];
    }
    size_t axis = last;
    while (true) {  // the next row: count up as an odometer does
      if (axis == 0) return;
      --axis;
      for (size_t k = 0; k < K; ++k) start[k] += strides[k][axis];
      if (++index[axis] < dims[axis]) break;
      for (size_t k = 0; k < K; ++k) start[k] -= strides[k][axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace weft

#endif  // WEFT_OPS_BROADCAST_H_
