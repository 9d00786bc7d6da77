#ifndef WEFT_FRONTEND_INSPECT_DATA_NEAREST_ROWS_H_
#define WEFT_FRONTEND_INSPECT_DATA_NEAREST_ROWS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

enum class RowDistance {
  kSquared,  // |a - b|^2
  kCosine,   // 1 - a.b / (|a| |b|), 1 where a row has no direction
};

// The k nearest rows of each of M rows, nearest first, the first one of equals.
struct NearestRows {
  int64_t k = 0;
  std::vector<int64_t> index = {};    // [M,k]
  std::vector<double> distance = {};  // [M,k]

  std::span<const int64_t> IndexOf(int64_t row) const { return Part(index, row); }
  std::span<const double> DistanceOf(int64_t row) const { return Part(distance, row); }

 private:
  template <typename T>
  std::span<const T> Part(const std::vector<T>& all, int64_t row) const {
    return std::span(all).subspan(static_cast<size_t>(row * k), static_cast<size_t>(k));
  }
};

// Of each row of `queries` f32[M,D] those of `rows` f32[N,D]. All are compared with all, in blocks
// by matrix products in f32; distances are computed in f64, of the closest ones, or of all rows
// where rounding might hide a nearer one. Any number of `threads` (0: all) gives the same bits.
// Errors: those of FeatureRows, widths that differ, k outside [1,N].
absl::StatusOr<NearestRows> FindNearest(const Tensor& rows, const Tensor& queries, int64_t k,
                                        RowDistance distance, int threads = 0);
// Of each row those among the others; k in [1,N-1].
absl::StatusOr<NearestRows> FindNearestOthers(const Tensor& rows, int64_t k, RowDistance distance,
                                              int threads = 0);

// The share of rows whose class is that of most of their k nearest others, of classes with equally
// many the one of the nearest: how well places tell classes. Errors as above, and labels that are
// not one a row.
absl::StatusOr<double> NeighbourAccuracy(const Tensor& rows, std::span<const int64_t> labels,
                                         int64_t k, int threads = 0);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_NEAREST_ROWS_H_
