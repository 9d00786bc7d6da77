#include "ops/broadcast.h"

#include <algorithm>

namespace weft {

absl::StatusOr<Shape> BroadcastShapes(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape result(rank);
  for (size_t back = 1; back <= rank; ++back) {
    const Dim x = back <= a.size() ? a[a.size() - back] : Dim(1);
    const Dim y = back <= b.size() ? b[b.size() - back] : Dim(1);
    if (x != y && x != Dim(1) && y != Dim(1)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "shapes ", ToString(a), " and ", ToString(b), " do not broadcast: expected ",
          "equal dims or 1 on axis -", back, ", got ", x.ToString(), " and ", y.ToString()));
    }
    result[rank - back] = x == Dim(1) ? y : x;
  }
  return result;
}

absl::StatusOr<Dims> BroadcastDims(std::span<const int64_t> a, std::span<const int64_t> b) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, BroadcastShapes(ToShape(a), ToShape(b)));
  return StaticDims(shape);
}

bool BroadcastsTo(const Shape& from, const Shape& to) {
  absl::StatusOr<Shape> shape = BroadcastShapes(from, to);
  return shape.ok() && *shape == to;
}

std::vector<int64_t> RowMajorStrides(std::span<const int64_t> dims) {
  std::vector<int64_t> strides(dims.size());
  int64_t step = 1;
  for (size_t axis = dims.size(); axis-- > 0;) {
    strides[axis] = step;
    step *= dims[axis];
  }
  return strides;
}

std::vector<int64_t> BroadcastStrides(std::span<const int64_t> from, std::span<const int64_t> to) {
  const std::vector<int64_t> dense = RowMajorStrides(from);
  std::vector<int64_t> strides(to.size(), 0);
  const size_t shift = to.size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] == to[axis + shift]) strides[axis + shift] = dense[axis];
  }
  return strides;
}

}  // namespace weft
