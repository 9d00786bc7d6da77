#ifndef WEFT_FRONTEND_INSPECT_DATA_FEATURE_ROWS_H_
#define WEFT_FRONTEND_INSPECT_DATA_FEATURE_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// Features f32[N,...] (ComputeFeatures) as a matrix f32[N,D] of the same bytes. Errors: another
// type, no row or column, a number that is not finite.
absl::StatusOr<Tensor> FeatureRows(const Tensor& values);

// Row `i` of a matrix f32[N,D].
inline std::span<const float> RowOf(const Tensor& matrix, int64_t i) {
  const auto width = static_cast<size_t>(matrix.dims()[1]);
  return matrix.values<float>().subspan(static_cast<size_t>(i) * width, width);
}

// The rows at `indices`, in that order.
absl::StatusOr<Tensor> RowsAt(const Tensor& matrix, std::span<const int64_t> indices);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_FEATURE_ROWS_H_
