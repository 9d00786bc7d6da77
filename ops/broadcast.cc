#include "ops/broadcast.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace weft {

Dim AgreedDim(const Dim& a, const Dim& b) {
  if (a.is_static() != b.is_static()) return a.is_static() ? a : b;
  const auto key = [](const Dim& dim) {
    const std::string text = dim.ToString();
    return std::tuple(dim.symbols().size(), text.size(), text);
  };
  return key(a) <= key(b) ? a : b;
}

bool MayBeEqual(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Dim& x, const Dim& y) {
    return x == y || !x.is_static() || !y.is_static();
  });
}

absl::StatusOr<Shape> BroadcastShapes(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape result(rank);
  for (size_t back = 1; back <= rank; ++back) {
    const Dim x = back <= a.size() ? a[a.size() - back] : Dim(1);
    const Dim y = back <= b.size() ? b[b.size() - back] : Dim(1);
    if (x == Dim(1) || y == Dim(1)) {
      result[rank - back] = x == Dim(1) ? y : x;
      continue;
    }
    if (x != y && x.is_static() && y.is_static()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "shapes ", ToString(a), " and ", ToString(b), " do not broadcast: expected ",
          "equal dims or 1 on axis -", back, ", got ", x.ToString(), " and ", y.ToString()));
    }
    result[rank - back] = AgreedDim(x, y);
  }
  return result;
}

absl::StatusOr<Dims> BroadcastDims(std::span<const int64_t> a, std::span<const int64_t> b) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, BroadcastShapes(ToShape(a), ToShape(b)));
  return StaticDims(shape);
}

namespace {

// Whether `fits(from, to)` holds of the dims of every axis that `from` has, aligned at the last.
template <typename F>
bool AlignedFit(const Shape& from, const Shape& to, F&& fits) {
  return from.size() <= to.size() && std::equal(from.rbegin(), from.rend(), to.rbegin(), fits);
}

}  // namespace

bool BroadcastsTo(const Shape& from, const Shape& to) {
  return AlignedFit(from, to, [](const Dim& a, const Dim& b) { return a == b || a == Dim(1); });
}

bool MayBroadcastTo(const Shape& from, const Shape& to) {
  return AlignedFit(from, to, [](const Dim& a, const Dim& b) {
    return a == b || a == Dim(1) || !a.is_static() || !b.is_static();
  });
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

Loops MergeAxes(const Dims& dims, const std::vector<Dims>& strides) {
  Loops merged{{}, std::vector<Dims>(strides.size())};
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] == 1) continue;
    bool joins = !merged.dims.empty();
    for (size_t k = 0; k < strides.size() && joins; ++k) {
      joins = merged.strides[k].back() == strides[k][axis] * dims[axis];
    }
    if (joins) {
      merged.dims.back() *= dims[axis];
      for (size_t k = 0; k < strides.size(); ++k) merged.strides[k].back() = strides[k][axis];
    } else {
      merged.dims.push_back(dims[axis]);
      for (size_t k = 0; k < strides.size(); ++k) merged.strides[k].push_back(strides[k][axis]);
    }
  }
  if (merged.dims.empty()) merged = {{1}, std::vector<Dims>(strides.size(), Dims{0})};
  return merged;
}

}  // namespace weft
