#include "frontend/io/check_bools.h"

namespace weft {

absl::Status CheckBools(const Tensor& tensor) {
  if (tensor.dtype() != DType::kBool) return absl::OkStatus();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const auto value = static_cast<int>(tensor.data()[i]);
    if (value > 1) {
      return absl::DataLossError(
          absl::StrCat("expected bools of 0 or 1, element ", i, " is ", value));
    }
  }
  return absl::OkStatus();
}

}  // namespace weft
