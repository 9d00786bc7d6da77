#include <algorithm>
#include <utility>

#include "runtime/exec/parallel.h"
#include "runtime/host/pool/plane.h"

namespace weft {
namespace {

constexpr int64_t kMostLinks = int64_t{1} << 20;  // of rows

int64_t Rows(const Dims& extents) {
  int64_t rows = 1;
  for (size_t a = 0; a + 1 < extents.size(); ++a) rows *= extents[a];
  return rows;
}

// The input rows of the output row with these outer indices.
void AddLinks(const PoolWindow& w, const Regions& regions, const Dims& index, RowLinks& reads) {
  std::vector<RowLink> links = {{}}, next;
  for (size_t a = 0; a + 1 < w.input.size(); ++a) {
    const TapRange& taps = regions.axes[a][static_cast<size_t>(index[a])];
    const int64_t low = (taps.first - index[a] * w.strides[a] + w.pads_begin[a]) / taps.step;
    next.clear();
    for (const RowLink& link : links) {
      for (int64_t i = 0; i < taps.count; ++i) {
        next.push_back(
            {link.row * w.input[a] + taps.first + i * taps.step,
             link.tap * static_cast<uint32_t>(w.kernel[a]) + static_cast<uint32_t>(low + i)});
      }
    }
    links.swap(next);
  }
  for (const RowLink& link : links) {
    reads.Add({link.row, link.tap * static_cast<uint32_t>(w.kernel.back())});
  }
  reads.EndRow();
}

bool Advance(Dims& index, const Dims& extents) {
  for (size_t a = extents.size() - 1; a-- > 0;) {
    if (++index[a] < extents[a]) return true;
    index[a] = 0;
  }
  return false;
}

RowLinks Inverse(const RowLinks& reads, int64_t output_rows, int64_t input_rows) {
  std::vector<std::vector<RowLink>> lists(static_cast<size_t>(input_rows));
  for (int64_t row = 0; row < output_rows; ++row) {
    for (const RowLink& link : reads.of(row)) {
      lists[static_cast<size_t>(link.row)].push_back({row, link.tap});
    }
  }
  RowLinks inverse;
  for (const std::vector<RowLink>& list : lists) {
    for (const RowLink& link : list) inverse.Add(link);
    inverse.EndRow();
  }
  return inverse;
}

void FillRows(const Regions& regions, WindowPlan& p) {
  const AxisWeights weights = AverageWeights(p.window);
  Dims index(p.window.output.size(), 0);
  do {
    AddLinks(p.window, regions, index, p.reads);
    double weight = 1;
    for (size_t a = 0; a + 1 < index.size(); ++a)
      weight *= weights[a][static_cast<size_t>(index[a])];
    p.row_weights.push_back(static_cast<float>(weight));
  } while (Advance(index, p.window.output));
  p.read_by = Inverse(p.reads, p.output_rows, p.input_rows);
  p.column_weights.assign(weights.back().begin(), weights.back().end());
}

}  // namespace

std::optional<WindowPlan> MakeWindowPlan(PoolWindow window) {
  WindowPlan p;
  p.planes = window.batch * window.channels;
  if (p.planes == 0) return p;  // lists for the other extents, which may be huge, are for nothing
  p.output_rows = Rows(window.output);
  p.input_rows = Rows(window.input);
  // Also no more taps in a window than there are numbers below.
  if (window.kernel_size() > kMostLinks ||
      Rows(window.kernel) > kMostLinks / std::max<int64_t>(p.output_rows, 1) ||
      p.input_rows > kMostLinks) {
    return std::nullopt;
  }
  p.window = std::move(window);
  const PoolWindow& w = p.window;
  const Regions regions = WindowRegions(w);
  p.inputs = w.input_size();
  p.outputs = w.output_size();
  p.width = w.input.back();
  p.columns = w.output.back();
  p.last = {w.kernel.back(), w.strides.back(), w.dilations.back(), w.pads_begin.back()};
  p.taps = regions.axes.back();
  const auto whole = [&](const TapRange& taps) { return taps.count == p.last.kernel; };
  p.begin = std::find_if(p.taps.begin(), p.taps.end(), whole) - p.taps.begin();
  p.end = std::find_if_not(p.taps.begin() + p.begin, p.taps.end(), whole) - p.taps.begin();
  p.grain = std::max<int64_t>(kMathGrain / (p.inputs + p.outputs), 1);
  FillRows(regions, p);
  return p;
}

PlaneScratch::PlaneScratch(const WindowPlan& p, Use use, ScratchPlan& scratch) {
  const int64_t padded = p.output_rows * PaddedColumns(p);
  switch (use) {
    case Use::kReduce:
      values_ = scratch.PerThread<float>(p.width + kSlack);
      break;
    case Use::kNumberedMaxima:
      values_ = scratch.PerThread<float>(p.input_rows * (p.columns + kSlack));
      numbers_ = scratch.PerThread<uint32_t>(p.input_rows * (p.columns + kSlack));
      of_outputs_ = scratch.PerThread<uint32_t>(p.outputs + kSlack);
      plane_ = scratch.PerThread<float>(p.outputs);
      break;
    case Use::kSpreadMaxima:
      bytes_ = scratch.PerThread<uint8_t>(padded);
      [[fallthrough]];
    case Use::kSpreadAverage:
      values_ = scratch.PerThread<float>(padded);
      break;
  }
}

PlaneMemory PlaneScratch::In(std::byte* scratch, int thread) const {
  return {values_.In(scratch, thread), plane_.In(scratch, thread), numbers_.In(scratch, thread),
          of_outputs_.In(scratch, thread), bytes_.In(scratch, thread)};
}

}  // namespace weft
