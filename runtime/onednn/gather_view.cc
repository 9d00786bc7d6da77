#include "runtime/onednn/gather_view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/exec/parallel.h"

namespace weft {
namespace {

int64_t Count(const Dims& dims, size_t axes) {
  int64_t count = 1;
  for (size_t axis = 0; axis < axes; ++axis) count *= dims[axis];
  return count;
}

// The offset of element `i`, in row-major order of the first `axes` dims.
int64_t OffsetOf(const GatherView& view, size_t axes, int64_t i) {
  int64_t offset = 0;
  for (size_t axis = axes; axis-- > 0;) {
    offset += i % view.dims[axis] * view.strides[axis];
    i /= view.dims[axis];
  }
  return offset;
}

// Calls f(offset) for every index of the first `axes` summed axes, in row-major order.
template <typename F>
void ForEachSummand(const GatherView& view, size_t axes, F f) {
  std::array<int64_t, kMaxRank> index = {};
  for (int64_t offset = 0;;) {
    f(offset);
    size_t axis = axes;
    while (true) {  // counts up as an odometer does
      if (axis == 0) return;
      --axis;
      offset += view.summed_strides[axis];
      if (++index[axis] < view.summed[axis]) break;
      offset -= view.summed_strides[axis] * view.summed[axis];
      index[axis] = 0;
    }
  }
}

double SumRow(const float* x, int64_t n, int64_t stride) {
  double lanes[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int64_t j = 0; j < 4; ++j) lanes[j] += static_cast<double>(x[(i + j) * stride]);
  }
  for (int64_t j = 0; i < n; ++i, ++j) lanes[j] += static_cast<double>(x[i * stride]);
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

// One element: the sum of a whole block.
double SumBlock(const GatherView& view, const float* x) {
  double sum = 0;
  ForEachSummand(view, view.summed.size() - 1, [&](int64_t at) {
    sum += SumRow(x + at, view.summed.back(), view.summed_strides.back());
  });
  return sum;
}

// A row of elements, each of which is the sum of many rows' elements.
void SumRows(const GatherView& view, const float* x, double* sums, float* y) {
  const int64_t n = view.dims.back(), stride = view.strides.back();
  std::fill_n(sums, n, 0.0);
  ForEachSummand(view, view.summed.size(), [&](int64_t at) {
    const float* row = x + at;
    for (int64_t j = 0; j < n; ++j) sums[j] += static_cast<double>(row[j * stride]);
  });
  for (int64_t j = 0; j < n; ++j) y[j] = static_cast<float>(sums[j]);
}

void CopyRow(const GatherView& view, const float* x, float* y) {
  const int64_t n = view.dims.back(), stride = view.strides.back();
  if (stride == 1) {
    std::copy_n(x, n, y);
    return;
  }
  for (int64_t j = 0; j < n; ++j) y[j] = x[j * stride];
}

}  // namespace

Gather::Gather(GatherView view, ScratchPlan& scratch) : view_(std::move(view)) {
  if (view_.dims.empty()) {
    view_.dims = {1};
    view_.strides = {1};
  }
  summands_ = Count(view_.summed, view_.summed.size());
  // Along whichever axis memory runs.
  blocks_ = !view_.summed.empty() && (view_.summed_strides.back() < view_.strides.back() ||
                                      Count(view_.dims, view_.dims.size()) == 1);
  if (!blocks_ && !view_.summed.empty()) sums_ = scratch.PerThread<double>(view_.dims.back());
}

void Gather::Run(const float* x, float* y, std::byte* scratch) const {
  const size_t axes = view_.dims.size() - (blocks_ ? 0 : 1);
  const int64_t row = blocks_ ? 1 : view_.dims.back();
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, row * summands_));
  ParallelFor(Count(view_.dims, axes), grain, [&](int thread, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = x + OffsetOf(view_, axes, i);
      if (blocks_) {
        y[i] = static_cast<float>(SumBlock(view_, from));
      } else if (view_.summed.empty()) {
        CopyRow(view_, from, y + i * row);
      } else {
        SumRows(view_, from, sums_.In(scratch, thread), y + i * row);
      }
    }
  });
}

}  // namespace weft
