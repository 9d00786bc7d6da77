#include "frontend/inspect/data/feature_rows.h"

#include <algorithm>
#include <cmath>

namespace weft {

absl::StatusOr<Tensor> FeatureRows(const Tensor& values) {
  if (values.is_empty() || values.dtype() != DType::kF32 || values.rank() < 1 ||
      values.size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("features: expected f32[N,...] with at least one element, got ",
                     values.is_empty() ? "nothing" : ToString(values.type())));
  }
  const std::span<const float> all = values.values<float>();
  const auto bad = std::ranges::find_if(all, [](float v) { return !std::isfinite(v); });
  const int64_t n = values.dims()[0], width = values.size() / n;
  if (bad != all.end()) {
    return absl::InvalidArgumentError(absl::StrCat("features: expected finite numbers, example ",
                                                   (bad - all.begin()) / width, " has ", *bad));
  }
  return values.Reshaped({n, width});
}

absl::StatusOr<Tensor> RowsAt(const Tensor& matrix, std::span<const int64_t> indices) {
  WEFT_ASSIGN_OR_RETURN(
      Tensor rows,
      Tensor::Zeros(DType::kF32, {static_cast<int64_t>(indices.size()), matrix.dims()[1]}));
  auto to = rows.mutable_values<float>().begin();
  for (const int64_t i : indices) {
    if (i < 0 || i >= matrix.dims()[0]) {
      return absl::OutOfRangeError(
          absl::StrCat("features: expected a row in [0,", matrix.dims()[0], "), got ", i));
    }
    to = std::ranges::copy(RowOf(matrix, i), to).out;
  }
  return rows;
}

}  // namespace weft
