#include "runtime/host/row_problem.h"

#include <utility>

namespace weft {
namespace {

constexpr int64_t kShortRun = 16;  // shorter runs are scaled by element

}  // namespace

RowProblem::RowProblem(RowNorm row_norm)
    : norm(std::move(row_norm)), rows(norm.rows()), row_size(norm.row_size()), run(1) {
  const Dims& dims = norm.dims;
  const int64_t rank = static_cast<int64_t>(dims.size()), axis = norm.axis;
  Dims scale(dims.size() - norm.affine.size(), 1);
  scale.insert(scale.end(), norm.affine.begin(), norm.affine.end());
  const auto dim = [](const Dims& of, int64_t i) { return of[static_cast<size_t>(i)]; };
  // Scales differ along the axes from `first` to `last`.
  int64_t first = 0, last = rank;
  while (first < axis && dim(scale, first) == 1) ++first;
  for (; last > axis && dim(scale, last - 1) == 1; --last) run *= dim(dims, last - 1);
  for (int64_t i = first; i < axis; ++i) period *= dim(dims, i);
  const bool matches = std::equal(dims.begin() + first, dims.begin() + last, scale.begin() + first);
  if (!matches || run < kShortRun) {
    if (!matches || run != 1) {
      expanded.assign(dims.begin() + first, dims.end());
      affine.assign(scale.begin() + first, scale.end());
    }
    by_element = true;
    run = row_size;
  }
  runs = run == 0 ? 0 : row_size / run;
  parts = (run + kSegment - 1) / kSegment;
}

void RowProblem::StoreScales(const double* sums, double* folded, float* to) const {
  if (expanded.empty()) {
    for (int64_t i = 0; i < all_scales(); ++i) to[i] = static_cast<float>(sums[i]);
    return;
  }
  std::fill_n(folded, norm.affine_size(), 0.0);
  ForEachScale([&](int64_t i, int64_t from) { folded[from] += sums[i]; });
  for (int64_t i = 0; i < norm.affine_size(); ++i) to[i] = static_cast<float>(folded[i]);
}

RowScratch::RowScratch(const RowProblem& p, bool gradient, ScratchPlan& scratch) {
  const int64_t scales = p.all_scales(), expanded = p.expanded.empty() ? 0 : scales;
  scale_ = scratch.Shared<float>(expanded);
  bias_ = scratch.Shared<float>(gradient ? 0 : expanded);
  segments_ = scratch.Shared<double>(4 * p.rows * p.segments());
  rows_ = scratch.Shared<double>(4 * p.rows);
  if (!gradient) return;
  dscale_ = scratch.Shared<double>(scales);
  dbias_ = scratch.Shared<double>(scales);
  partial_ = scratch.Shared<double>(p.by_element ? 2 * p.column_chunks() * scales : 0);
  folded_ = scratch.Shared<double>(p.expanded.empty() ? 0 : p.norm.affine_size());
}

RowMemory RowScratch::In(std::byte* scratch) const {
  return {scale_.In(scratch),  bias_.In(scratch),  segments_.In(scratch), rows_.In(scratch),
          dscale_.In(scratch), dbias_.In(scratch), partial_.In(scratch),  folded_.In(scratch)};
}

}  // namespace weft
