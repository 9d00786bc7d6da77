#ifndef WEFT_FRONTEND_IO_CHECK_BOOLS_H_
#define WEFT_FRONTEND_IO_CHECK_BOOLS_H_

#include "graph/tensor.h"

namespace weft {

// An error, naming the element, where a bool tensor from a file holds a byte that is neither 0 nor
// 1; reading it as a bool would be undefined. OK for other dtypes.
absl::Status CheckBools(const Tensor& tensor);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_CHECK_BOOLS_H_
