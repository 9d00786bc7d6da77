#ifndef WEFT_RUNTIME_HOST_ROW_PROBLEM_H_
#define WEFT_RUNTIME_HOST_ROW_PROBLEM_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "ops/broadcast.h"
#include "ops/row_norm.h"

namespace weft {

// Memory of the thread that starts a run, kept from run to run.
template <typename T, int slot>
T* RowScratch(int64_t size) {
  thread_local std::vector<T> values;
  if (values.size() < static_cast<size_t>(size)) values.resize(static_cast<size_t>(size));
  return values.data();
}

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

  // Scale or bias (or null) as the above has them: as they are, or broadcast.
  template <int slot>
  const float* ExpandScales(const float* values) const {
    if (expanded.empty() || values == nullptr) return values;
    float* to = RowScratch<float, slot>(all_scales());
    ForEachScale([&](int64_t i, int64_t from) { to[i] = values[from]; });
    return to;
  }
  // The gradient of that: all_scales() sums, added where they were broadcast.
  void StoreScales(const double* sums, float* to) const;

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

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ROW_PROBLEM_H_
