#include "runtime/onednn/gather_view.h"

#include <algorithm>

#include "ops/broadcast.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements read that are worth a thread

int64_t Count(const Dims& dims) {
  int64_t count = 1;
  for (int64_t extent : dims) count *= extent;
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
  const Dims outer(view.summed.begin(), view.summed.end() - 1);
  double sum = 0;
  const std::vector<int64_t> strides(view.summed_strides.begin(), view.summed_strides.end() - 1);
  ForEachOffset<1>(outer, {strides}, [&](int64_t, const std::array<int64_t, 1>& at) {
    sum += SumRow(x + at[0], view.summed.back(), view.summed_strides.back());
  });
  return sum;
}

// A row of elements, each of which is the sum of many rows' elements.
void SumRows(const GatherView& view, const float* x, float* y) {
  const int64_t n = view.dims.back(), stride = view.strides.back();
  thread_local std::vector<double> sums;
  sums.assign(static_cast<size_t>(n), 0.0);
  ForEachOffset<1>(view.summed, {view.summed_strides},
                   [&](int64_t, const std::array<int64_t, 1>& at) {
                     const float* row = x + at[0];
                     for (int64_t j = 0; j < n; ++j) {
                       sums[static_cast<size_t>(j)] += static_cast<double>(row[j * stride]);
                     }
                   });
  for (int64_t j = 0; j < n; ++j) y[j] = static_cast<float>(sums[static_cast<size_t>(j)]);
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

void RunGather(const GatherView& original, const float* x, float* y) {
  GatherView view = original;
  if (view.dims.empty()) {
    view.dims = {1};
    view.strides = {1};
  }
  const int64_t summands = Count(view.summed);
  // Along whichever axis memory runs.
  const bool blocks = !view.summed.empty() &&
                      (view.summed_strides.back() < view.strides.back() || Count(view.dims) == 1);
  const size_t axes = view.dims.size() - (blocks ? 0 : 1);
  const Dims outer(view.dims.begin(), view.dims.begin() + static_cast<std::ptrdiff_t>(axes));
  const int64_t row = blocks ? 1 : view.dims.back();
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, row * summands));
  ParallelFor(Count(outer), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = x + OffsetOf(view, axes, i);
      if (blocks) {
        y[i] = static_cast<float>(SumBlock(view, from));
      } else if (view.summed.empty()) {
        CopyRow(view, from, y + i * row);
      } else {
        SumRows(view, from, y + i * row);
      }
    }
  });
}

}  // namespace weft
