#ifndef WEFT_RUNTIME_HOST_ROW_PROBLEM_H_
#define WEFT_RUNTIME_HOST_ROW_PROBLEM_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "ops/broadcast.h"
#include "ops/row_norm.h"
#include "runtime/scratch.h"

namespace weft {

// What a run computes in.
struct RowMemory {
  float *scale, *bias;      // as RowProblem has them, where they are broadcast
  double *segments, *rows;  // four numbers each
  // Of the gradient.
  double *dscale, *dbias;  // as RowProblem has them
  double* partial;         // both of every chunk of rows
  double* folded;          // one of them, as the operand is
};

// A row normalization as host_row_norm.cc computes it. The scales of row r are the elements from
// first_scale(r) on, each for one element of the row or for a run of neighbours (a channel's).
// Sums are made by segment: a run, or a part of a long one.
struct RowProblem {
  explicit RowProblem(RowNorm row_norm);

  static constexpr int64_t kSegment = int64_t{1} << 15;  // elements
  struct Segment {
    int64_t begin, end;  // elements of the row
    int64_t run;
  };
  int64_t segments() const { return runs * parts; }  // of a row
  Segment segment(int64_t i) const {
    if (parts == 1) return {i * run, (i + 1) * run, i};
    const int64_t first = i / parts * run, begin = first + i % parts * kSegment;
    return {begin, std::min(begin + kSegment, first + run), i / parts};
  }
  int64_t row_scales() const { return by_element ? row_size : runs; }
  int64_t first_scale(int64_t row) const { return period == 1 ? 0 : row % period * row_scales(); }
  int64_t all_scales() const { return period * row_scales(); }

  // Where there are few blocks of columns, chunks of the rows are summed each on its own, then
  // together.
  static constexpr int64_t kColumns = 2048;  // of a block
  int64_t column_blocks() const { return (row_size + kColumns - 1) / kColumns; }
  int64_t column_chunks() const {
    return std::clamp<int64_t>(16 / std::max<int64_t>(1, period * column_blocks()), 1, 16);
  }

  // Scale or bias (or null) as the above has them: as they are, or broadcast, in `to`.
  const float* ExpandScales(const float* values, float* to) const {
    if (expanded.empty() || values == nullptr) return values;
    ForEachScale([&](int64_t i, int64_t from) { to[i] = values[from]; });
    return to;
  }
  // The gradient of that: all_scales() sums, added in `folded` where they were broadcast.
  void StoreScales(const double* sums, double* folded, float* to) const;

  RowNorm norm;
  int64_t rows = 0, row_size = 0;
  bool by_element = false;
  int64_t run = 0;     // elements; by element: the whole row
  int64_t runs = 0;    // of a row
  int64_t parts = 0;   // segments of a run
  int64_t period = 1;  // rows until the scales come again
  Dims expanded = {};  // what scale and bias are broadcast to; empty: they need not be
  Dims affine = {};    // their dims then, of no higher rank

 private:
  // f(i, from) for the expanded elements and the one each is a copy of.
  template <typename F>
  void ForEachScale(F f) const {
    ForEachOffset<1>(expanded, {BroadcastStrides(affine, expanded)},
                     [&](int64_t i, const std::array<int64_t, 1>& from) { f(i, from[0]); });
  }
};

// The memory of a run of the kernel for this problem, or for its gradient.
class RowScratch {
 public:
  RowScratch(const RowProblem& p, bool gradient, ScratchPlan& scratch);
  RowMemory In(std::byte* scratch) const;

 private:
  ScratchArray<float> scale_, bias_;
  ScratchArray<double> segments_, rows_, dscale_, dbias_, partial_, folded_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ROW_PROBLEM_H_
